// Lines of source that line.star steps through: the numbers matter.
#include <stdio.h>
#include <string.h>

volatile int total;

static inline __attribute__((always_inline)) int twice(int n)
{
	total += n;
	return 2 * n;
}

__attribute__((noinline)) int leaf(int n)
{
	int m = n + 1;
	total += m;
	return m;
}

__attribute__((noinline)) int middle(int n)
{
	int a = leaf(n);
	int b = twice(a);
	return a + b;
}

int main(void)
{
	char text[16];
	strcpy(text, "text");
	int n = middle(text[0] - 112);
	for (int i = 0; i < 3; i++)
		total += i;
	printf("%d\n", n);
	return 0;
}
