// Busy fills as many MiB as the second argument says with numbers, says ready, and counts
// in as many threads as the first says.

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

volatile long count;

static void *run(void *unused)
{
	for (;;)
		count++;
}

int main(int argc, char **argv)
{
	size_t n = ((size_t)atoi(argv[2]) << 20) / sizeof(uint32_t);
	uint32_t *numbers = malloc(n * sizeof *numbers);
	for (size_t i = 0; i < n; i++)
		numbers[i] = i;
	pthread_t thread;
	for (int i = 1; i < atoi(argv[1]); i++)
		pthread_create(&thread, 0, run, 0);
	write(1, "ready\n", 6);
	run(0);
}
