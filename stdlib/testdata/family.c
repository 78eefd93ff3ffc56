// cc -g -O0 -pthread family.c
//
// Threads that meet in system calls, a child, and a signal.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int gate[2];
static volatile int tid;

static void *reader(void *unused)
{
	char c;
	(void)unused;
	tid = gettid();
	return (void *)read(gate[0], &c, 1); // waits for main
}

// asleep reports whether the reader waits.
static int asleep(void)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	if (tid && (f = fopen(path, "r"))) {
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(f);
	}
	return state == 'S';
}

static void handler(int sig) { (void)sig; }

int main(void)
{
	pthread_t thread;
	int status;

	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	if (pipe(gate) || pthread_create(&thread, NULL, reader, NULL))
		return 1;
	while (!asleep())
		;
	close(-1);
	if (write(gate[1], "x", 1) != 1)
		return 1;
	pthread_join(thread, NULL);
	if (fork() == 0) {
		access("/nonexistent/child", F_OK);
		_exit(3);
	}
	wait(&status);
	return WEXITSTATUS(status);
}
