// cc -g -O0 -pthread family.c
//
// Threads that meet in system calls, a child, and a signal.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int gate[2];

static void *reader(void *unused)
{
	char c;
	(void)unused;
	return (void *)read(gate[0], &c, 1); // waits for main
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
	usleep(1000);
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
