// A program that keeps house in a thread, and does what it reads: s sleeps, p pauses, l
// loops, and all else is as if it had never come.
#include <pthread.h>
#include <unistd.h>

static void *keep_house(void *unused) {
	for (;;)
		usleep(5000);
	return unused;
}

int main(void) {
	pthread_t thread;
	char c = 0;
	pthread_create(&thread, NULL, keep_house, NULL);
	while (read(0, &c, 1) == 1) {
		if (c == 's')
			sleep(1000);
		if (c == 'p')
			pause();
		if (c == 'l')
			for (;;)
				thread = 0;
	}
	return 0;
}
