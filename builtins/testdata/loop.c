// Loop calls work(0) to work(9), formats the sum of the numbers and exits with 3.

#include <stdio.h>

volatile long sum;
char text[32];

int work(int i)
{
	sum += i;
	return 2 * i;
}

int main(void)
{
	for (int i = 0; i < 10; i++)
		work(i);
	snprintf(text, sizeof text, "sum %ld", sum);
	return 3;
}
