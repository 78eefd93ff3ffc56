// Threads starts three threads that call visit with their numbers and ends when
// they have.

#define _GNU_SOURCE
#include <pthread.h>

volatile int visited;

void visit(long number)
{
	__atomic_fetch_add(&visited, number, __ATOMIC_SEQ_CST);
}

static void *run(void *arg)
{
	pthread_setname_np(pthread_self(), "visitor");
	visit((long)arg);
	return NULL;
}

int main(void)
{
	pthread_t threads[3];
	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, run, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return visited;
}
