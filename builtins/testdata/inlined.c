// Functions of which only inlined copies are left, in two places and in one.
#include <stdio.h>
#include <stdlib.h>

volatile int total;

static inline __attribute__((always_inline)) int helper(int n)
{
	total += n;
	return total;
}

static inline __attribute__((always_inline)) int help_once(int n)
{
	total -= n;
	return total;
}

__attribute__((noinline)) int first(int n)
{
	return helper(n) + 1;
}

__attribute__((noinline)) int second(int n)
{
	return helper(n) + help_once(n);
}

int main(void)
{
	printf("%d\n", first(1) + second(2));
	fflush(stdout);
	abort();
}
