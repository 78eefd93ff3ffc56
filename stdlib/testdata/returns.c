// Returns calls fact in three threads, 20 times each, and then leap 6 times: odd numbers leave it by longjmp.

#include <pthread.h>
#include <setjmp.h>

static jmp_buf at;
static volatile int returned;

__attribute__((noinline)) int fact(int n)
{
	return n < 2 ? 1 : n * fact(n - 1);
}

__attribute__((noinline)) int leap(int n)
{
	if (n % 2)
		longjmp(at, 1);
	return n;
}

static void *run(void *arg)
{
	for (int i = 0; i < 20; i++)
		fact(i % 5);
	return arg;
}

int main(void)
{
	pthread_t t[3];
	for (int i = 0; i < 3; i++)
		pthread_create(t + i, 0, run, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	for (volatile int i = 0; i < 6; i++)
		if (!setjmp(at)) {
			leap(i);
			returned++;
		}
	return 0;
}
