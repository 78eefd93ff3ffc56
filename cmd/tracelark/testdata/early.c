// A program that looks at its input before main, where a snapshot is taken: copies of
// it know the input of another case.
#include <stdio.h>

static int first;

__attribute__((constructor)) static void load(int argc, char **argv) {
	FILE *f = fopen(argv[1], "r");
	if (f)
		first = fgetc(f);
}

static void bug(void) { *(volatile int *)8 = 0; }

int main(void) {
	if (first == 'S')
		bug();
	return first == 'a';
}
