// Functions that leave by a tail call, with -O2: the marks in comments name the lines.
#include <stdlib.h>

volatile int total;

__attribute__((noinline, noipa)) int sink(int n)
{
	total += n; // in sink
	return total;
}

__attribute__((noinline, noipa)) int tail(int n)
{
	total++; // in tail
	return sink(n + total); // leaves tail
}

__attribute__((noinline, noipa)) int library(int n)
{
	total++; // in library
	return abs(n) < 0 ? 0 : atoi("5"); // leaves for the library
}

int main(void)
{
	int r = tail(3); // calls
	total += r; // behind
	r = library(4); // calls again
	return total + r; // end
}
