// Two functions call each other, then the program dies.
#include <stdlib.h>

volatile int calls;

int odd(int n);

__attribute__((noinline)) int even(int n)
{
	if (n == 0)
		abort();
	calls++;
	return odd(n - 1) + 1;
}

__attribute__((noinline)) int odd(int n)
{
	calls++;
	return even(n - 1) + 1;
}

int main(int argc, char **argv)
{
	return even(atoi(argv[1]));
}
