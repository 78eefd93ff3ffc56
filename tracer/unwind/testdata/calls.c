// Functions with frames of many kinds, one below the other.
#include <alloca.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline, noclone))

volatile int sink;
volatile long count = 3;

NOINLINE void leaf(int n) {
	sink = n;
	__asm__ volatile("stop: nop");
}

// last ends with a call, so its return address lies outside of it.
NOINLINE __attribute__((noreturn)) void last(int n) {
	leaf(n);
	sink = n;
	exit(0);
}

NOINLINE __attribute__((noreturn)) void noreturn(int n) {
	last(n + 1);
}

// aligned has a frame that gcc finds through a saved register.
NOINLINE int aligned(int n) {
	char buf[256] __attribute__((aligned(64)));
	char *more = alloca(n * 16 + 32);
	memset(buf, n, sizeof buf);
	memset(more, n, 32);
	if (n > 0)
		noreturn(buf[3] + more[4]);
	return buf[n] + more[0];
}

NOINLINE int dynamic(int n) {
	int list[n + count];
	for (int i = 0; i < n + count; i++)
		list[i] = i;
	char *more = alloca(n * 100 + 1);
	more[0] = n;
	return aligned(n + list[n - 1] + more[0]) + list[0];
}

// realigned has arguments on the stack beyond one that it aligns, so that gcc
// needs a register besides rbp to find its frame.
NOINLINE long realigned(long a, long b, long c, long d, long e, long f, long g, long h) {
	char buf[64] __attribute__((aligned(64)));
	char *more = alloca(a + 64);
	memset(buf, b, sizeof buf);
	memset(more, c, 64);
	return dynamic(2) + buf[1] + more[1] + d + e + f + g + h;
}

NOINLINE long busy(long a, long b, long c, long d, long e, long f, long g, long h) {
	long x = a * count, y = b * count, z = c * count, u = d * count, v = e * count, w = f * count;
	long r = realigned(x, y, z, u, v, w, g, h);
	return r + x + y + z + u + v + w + g + h;
}

NOINLINE int compare(const void *a, const void *b) {
	return busy(1, 2, 3, 4, 5, 6, *(int *)a, *(int *)b);
}

NOINLINE int recurse(int n) {
	int list[] = {3, 1, 2};
	if (n > 0)
		return recurse(n - 1) + sink;
	qsort(list, 3, sizeof list[0], compare);
	return list[0];
}

int main(int argc, char **argv) {
	return recurse(5 * argc);
}
