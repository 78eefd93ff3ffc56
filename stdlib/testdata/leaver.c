// Leaver exits with 5 while two threads of it sleep.

#include <pthread.h>
#include <unistd.h>

static void *rest(void *ready)
{
	(void)!write(*(int *)ready, "x", 1);
	for (;;)
		pause();
}

int main(void)
{
	pthread_t t;
	int ends[2];
	char c;

	if (pipe(ends))
		return 1;
	for (int i = 0; i < 2; i++) {
		pthread_create(&t, NULL, rest, &ends[1]);
		(void)!read(ends[0], &c, 1);
	}
	return 5;
}
