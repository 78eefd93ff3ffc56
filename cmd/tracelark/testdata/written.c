// A program that keeps an address that it reads, and writes there.
#include <stdio.h>

static char *volatile place;

static void keep(int c) { place = (char *)((long)c << 32); }

static void use(void) { *place = 1; }

int main(int argc, char **argv) {
	FILE *f = argc > 1 ? fopen(argv[1], "r") : stdin;
	keep(fgetc(f));
	use();
	return 0;
}
