// Threads starts eight workers one after the other. Once all run, the fifth
// writes through a wild pointer while the odd ones spin and the even ones wait.

#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { WORKERS = 8, FAULTY = 5 };

static sem_t started;
static pthread_barrier_t all_started;
static volatile unsigned long spins;

static void store(int *slot, int value)
{
	*slot = value;
}

static void spin(void)
{
	for (;;)
		spins++;
}

static void idle(void)
{
	for (;;)
		pause();
}

static void *worker(void *arg)
{
	int number = (intptr_t)arg;
	char name[16];
	snprintf(name, sizeof name, "worker-%d", number);
	pthread_setname_np(pthread_self(), name);
	sem_post(&started);
	pthread_barrier_wait(&all_started);
	if (number == FAULTY)
		store((int *)0x123456789000, number);
	if (number % 2)
		spin();
	idle();
	return NULL;
}

int main(void)
{
	alarm(60);
	sem_init(&started, 0, 0);
	pthread_barrier_init(&all_started, NULL, WORKERS + 1);
	for (intptr_t i = 1; i <= WORKERS; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, worker, (void *)i)) {
			fputs("cannot start a thread\n", stderr);
			return 1;
		}
		sem_wait(&started);
	}
	pthread_barrier_wait(&all_started);
	idle();
}
