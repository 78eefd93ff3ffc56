// Sleepy prints "ready" and sleeps for a minute, three calls deep, with a
// second thread that waits for the first to finish.

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void nap(int seconds)
{
	struct timespec left = {.tv_sec = seconds};
	while (nanosleep(&left, &left))
		;
}

static void wait_for_work(int seconds)
{
	nap(seconds);
}

static void serve(int seconds)
{
	wait_for_work(seconds);
}

static void *blocked(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pthread_mutex_lock(&lock);
	if (pthread_create(&thread, NULL, blocked, NULL)) {
		fputs("cannot start a thread\n", stderr);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	serve(60);
	pthread_mutex_unlock(&lock);
	return pthread_join(thread, NULL);
}
