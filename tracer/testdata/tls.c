// Thread-local variables of a program, a library that it is linked with and one that it
// opens, in several threads.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

#ifdef LIBRARY
__thread long NAME[3] = { 1, 2, 3 };
long *where(void) { return NAME; }
#else
__thread long in_main = 5;
static pthread_barrier_t ready;
static long *(*opened)(void);
extern long *where(void);
#define STOP asm volatile("int3" ::: "memory")

static void *work(void *arg)
{
	long n = (long)arg;
	in_main = 100 + n;
	where()[1] = 200 + n;
	if (n != 3)
		opened()[2] = 300 + n;
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&ready);
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t threads[3];
	void *library = dlopen(argv[1], RTLD_NOW);
	if (!library)
		return 1;
	opened = (long *(*)(void))dlsym(library, "where_opened");
	pthread_barrier_init(&ready, 0, 4);
	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], 0, work, (void *)(i + 1));
	pthread_barrier_wait(&ready);
	STOP;
	pthread_barrier_wait(&ready);
	return 0;
}
#endif
