// Ticks prints a line for ever, twenty a second, and counts them.

#include <stdio.h>
#include <time.h>

volatile int ticks;

int main(void)
{
	struct timespec pause = {0, 50 * 1000 * 1000};

	for (;;) {
		printf("tick %d\n", ++ticks);
		fflush(stdout);
		nanosleep(&pause, NULL);
	}
}
