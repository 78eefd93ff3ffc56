// Conditions calls work(i, words[i % 4], &numbers[i % 4]) N times while another
// thread spins: conditions N.
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct numbers {
	uint8_t u8;
	int8_t i8;
	uint16_t u16;
	int16_t i16;
	uint32_t u32;
	int32_t i32;
	uint64_t u64;
	int64_t i64;
};

struct numbers numbers[4] = {
	{200, -100, 60000, -30000, 4000000000u, -2000000000, 0xfedcba9876543210u, -5},
	{1, 1, 1, 1, 1, 1, 1, 1},
	{2, 2, 2, 2, 2, 2, 2, 2},
	{3, 3, 3, 3, 3, 3, 3, 3},
};
const char *words[4] = {"zero", "one", "two", "three"};
volatile long counter;

__attribute__((noinline)) void work(long i, const char *s, struct numbers *n)
{
	counter = i;
}

static volatile int ready;

static void *spin(void *arg)
{
	for (;;)
		ready = 1;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t;
	pthread_create(&t, NULL, spin, NULL);
	while (!ready)
		;
	long n = atol(argv[1]);
	for (long i = 0; i < n; i++)
		work(i, words[i % 4], &numbers[i % 4]);
	return 0;
}
