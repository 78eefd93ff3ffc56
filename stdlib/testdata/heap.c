// Allocates, loses and frees memory in two threads, and then writes behind the end of
// some. Stops at here each time.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void *kept, *middle, *big, *other;
static void *freed[8];

__attribute__((noinline)) void here(void) { __asm__ volatile(""); }

__attribute__((noinline)) static void lose(void) {
	void **outer = malloc(5000);
	outer[0] = malloc(3000);
	__asm__ volatile("" : : "r"(outer) : "memory");
}

__attribute__((noinline)) static void clear(void) {
	volatile char stack[8192];
	memset((char *)stack, 0, sizeof stack);
}

static void *run(void *unused) {
	other = malloc(777);
	void *p = malloc(40);
	free(p);
	here();
	return 0;
}

int main(void) {
	kept = calloc(10, 100);
	middle = (char *)malloc(2000) + 8;
	big = malloc(1 << 20);
	lose();
	clear();
	for (int i = 0; i < 8; i++) freed[i] = malloc(24);
	for (int i = 0; i < 8; i++) free(freed[i]);
	memset(freed, 0, sizeof freed);
	here();
	pthread_t thread;
	if (pthread_create(&thread, 0, run, 0) != 0) return 1;
	pthread_join(thread, 0);
	char *volatile short_one = malloc(200);
	void *next = malloc(200);
	__asm__ volatile("" : : "r"(next) : "memory");
	memset(short_one, 'A', malloc_usable_size(short_one) + 8);
	here();
	return 0;
}
