// Workers starts two threads that call turn with their numbers for ever, and traps
// when both are there.

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

volatile unsigned long turns[3];
static pthread_barrier_t barrier;

void turn(long number)
{
	turns[number]++;
}

static void *run(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (;;)
		turn((long)arg);
}

int main(void)
{
	pthread_t thread;
	pthread_barrier_init(&barrier, NULL, 3);
	for (long i = 1; i <= 2; i++)
		pthread_create(&thread, NULL, run, (void *)i);
	pthread_barrier_wait(&barrier);
	raise(SIGTRAP);
	for (;;)
		pause();
}
