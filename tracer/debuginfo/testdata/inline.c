#include <stdio.h>
#include <stdlib.h>

struct item {
	int key;
	struct item *next;
};

static int calls;
extern int limit;
int limit = 40;

static inline __attribute__((always_inline)) int twice(int n)
{
	int doubled = n * 2;
	calls++;
	return doubled;
}

static inline __attribute__((always_inline)) int mix(int a, int b)
{
	int sum = 0;
	for (int i = 0; i < a; i++) {
		int term = twice(i + b);
		sum += term;
	}
	return sum + twice(b);
}

__attribute__((noinline)) static int length(const struct item *list)
{
	int n = 0;

	while (list) {
		n++;
		list = list->next;
	}
	return n;
}

__attribute__((noinline)) static void fail(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

int work(int argc, struct item *list)
{
	char buf[64];
	int n = length(list);

	if (n > limit)
		fail("too long");
	{
		int inner = mix(argc, n);
		n += inner;
	}
	snprintf(buf, sizeof buf, "%d", n);
	puts(buf);
	return mix(n & 7, argc) + twice(argc);
}

int main(int argc, char **argv)
{
	struct item one = { argc, NULL };
	struct item two = { 2, &one };
	(void)argv;
	return work(argc, &two) & 1;
}
