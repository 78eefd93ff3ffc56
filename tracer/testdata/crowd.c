// Many threads, of which the last one that is made crashes.
#include <pthread.h>
#include <unistd.h>

static void *waits(void *p)
{
	for (;;)
		pause();
}

static void *crashes(void *p)
{
	*(volatile int *)8 = 1;
	return p;
}

int main(void)
{
	pthread_t t;
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 1 << 16);
	for (int i = 0; i < 300; i++)
		pthread_create(&t, &small, waits, NULL);
	pthread_create(&t, &small, crashes, NULL);
	pthread_join(t, NULL);
}
