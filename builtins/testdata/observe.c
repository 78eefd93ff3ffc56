// A program to be observed: one thread sleeps below functions that keep frame pointers,
// one spins, and one sleeps in a futex.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct item {
	int key;
	const char *name;
} first = {42, "forty-two"};

volatile unsigned long turns;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static int wait_here(struct item *item)
{
	char byte;
	return read(0, &byte, 1) + item->key;
}

static int outer(struct item *item)
{
	volatile int depth = 3;
	return wait_here(item) + depth;
}

static void *spin(void *unused)
{
	pthread_setname_np(pthread_self(), "spinner");
	for (;;)
		turns++;
	return unused;
}

static void *lock(void *unused)
{
	pthread_setname_np(pthread_self(), "locker");
	pthread_mutex_lock(&held);
	return unused;
}

int main(void)
{
	int ends[2];
	pthread_t thread;
	pipe(ends);
	dup2(ends[0], 0); // which nobody writes to
	pthread_mutex_lock(&held);
	pthread_create(&thread, NULL, spin, NULL);
	pthread_create(&thread, NULL, lock, NULL);
	return outer(&first);
}
