// Inlined functions that begin at the same instruction, and one with code of its own too.
#include <stdlib.h>

volatile int total;

static inline __attribute__((always_inline)) int inner(int n)
{
	total += n;
	return total;
}

static inline __attribute__((always_inline)) int outer(int n)
{
	int sum = inner(n);
	total ^= sum;
	return sum;
}

__attribute__((noinline)) int first(int n)
{
	return outer(n) + 1;
}

__attribute__((noinline)) int second(int n)
{
	total--;
	return outer(n) + 2;
}

int main(void)
{
	first(1);
	second(2);
	abort();
}
