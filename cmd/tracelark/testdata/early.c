// A program that reads its input before main, where a snapshot is taken, or with another
// argument looks whether it is empty: copies of it know the input of another case.
#include <stdio.h>
#include <sys/stat.h>

static int first;

__attribute__((constructor)) static void load(int argc, char **argv) {
	struct stat st;
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (argc > 2)
		first = stat(argv[1], &st) == 0 && st.st_size > 0 ? 'S' : 0;
	else if (f)
		first = fgetc(f);
}

static void bug(void) { *(volatile int *)8 = 0; }

int main(void) {
	if (first == 'S')
		bug();
	return first == 'a';
}
