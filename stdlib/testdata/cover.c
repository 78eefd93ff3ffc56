// Goes different ways by its argument. The test names these lines by their numbers.
#include <stdlib.h>

static volatile int x;

static void odd(void) {
	x = 1;
}

static void even(void) {
	x = 2;
}

int main(int argc, char **argv) {
	int n = argc > 1 ? atoi(argv[1]) : 0;
	for (int i = 0; i < 1000; i++)
		x += i;
	if (n % 2)
		odd();
	else
		even();
	if (n > 5)
		abort();
	return 0;
}
