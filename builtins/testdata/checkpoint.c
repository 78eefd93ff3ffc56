// Reads a file two bytes at a time and counts them in each kind of memory.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int counter;
static char *heap;
static int handled;

static void handle(int sig) { handled = sig; }

int work(int fd) {
	char word[2];
	int stacked = counter;
	if (read(fd, word, sizeof word) != sizeof word)
		return -1;
	counter++;
	heap[0]++;
	return counter == stacked + 1 && heap[0] == counter ? word[0] : -2;
}

static void *idle(void *arg) {
	pause();
	return arg;
}

int main(int argc, char **argv) {
	signal(SIGUSR1, handle);
	heap = malloc(16);
	heap[0] = 0;
	int fd = open(argv[1], O_RDONLY);
	if (argc > 2 && strcmp(argv[2], "thread") == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, idle, NULL);
	}
	int first = work(fd);
	if (argc > 2 && strcmp(argv[2], "signal") == 0)
		raise(SIGUSR1);
	int second = work(fd);
	printf("%c%c %d\n", first, second, handled);
	fflush(stdout);
	if (argc > 2 && strcmp(argv[2], "abort") == 0)
		abort();
	return counter;
}
