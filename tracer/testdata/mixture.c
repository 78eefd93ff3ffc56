// A mixture of instructions: flags, strings, SSE, shifts, multiplication, calls
// through pointers. It prints a sum.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static unsigned long flags(unsigned long a, unsigned long b) {
	unsigned long f, g;
	asm volatile("add %2, %3\n pushfq\n pop %0\n sbb %2, %3\n pushfq\n pop %1" : "=&r"(f), "=&r"(g) : "r"(a), "r"(b) : "cc", "memory");
	return (f ^ g) & 0x8d5;
}

int main(void) {
	unsigned long sum = 0;
	int values[64];
	char text[200], copy[200];
	double x = 1;
	for (int i = 0; i < 64; i++)
		values[i] = (i * 7919) % 101;
	qsort(values, 64, sizeof values[0], compare);
	for (int i = 0; i < 64; i++) {
		sum = sum * 31 + values[i];
		sum ^= flags(sum, i * 0x123456789abcdefUL);
		sum = sum >> (i & 7) | sum << (63 - (i & 7));
		x = x * 1.5 + (float)i;
	}
	memset(text, 'a', sizeof text);
	snprintf(text, sizeof text, "%lx %.3f %d %s", sum, x, (short)sum, "text");
	strcpy(copy, text);
	char *to = copy + 100, *from = copy;
	unsigned long n = 50;
	asm volatile("cld\n rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " "))
		sum += strlen(p) * strtoul(p, NULL, 16);
	unsigned char bytes[16];
	for (int i = 0; i < 16; i++)
		bytes[i] = (signed char)(sum >> i) / 3 + (text[i] % 7);
	printf("%s %lu %d\n", text, sum, bytes[15]);
	return 0;
}
