// Count calls work(0), work(1), ... 100 000 times, or as often as its argument
// says, and prints the sum of the numbers.

#include <stdio.h>
#include <stdlib.h>

static volatile long sink;

__attribute__((noinline)) void work(int i)
{
	sink += i;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 100000;
	for (int i = 0; i < n; i++)
		work(i);
	printf("%ld\n", sink);
	return 0;
}
