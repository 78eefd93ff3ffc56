// Signals raises SIGUSR1 three times, which its handler counts, then SIGUSR2, which
// kills it unless it is dropped, and exits with the count.

#include <signal.h>

volatile int count;

static void handle(int sig)
{
	count++;
}

int main(void)
{
	signal(SIGUSR1, handle);
	for (int i = 0; i < 3; i++)
		raise(SIGUSR1);
	raise(SIGUSR2);
	return count;
}
