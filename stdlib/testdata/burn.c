// Has a thread that computes for ever, in a function whose name is markup, and one that sleeps.
#include <pthread.h>
#include <unistd.h>

static volatile long turns;

void burn(void) __asm__("\"</title><b>&burn\"");

__attribute__((noinline)) void burn(void) {
	for (;;) turns++;
}

__attribute__((noinline)) static void *doze(void *unused) {
	for (;;) pause();
}

int main(void) {
	pthread_t thread;
	if (pthread_create(&thread, 0, doze, 0) != 0) return 1;
	burn();
}
