// Writes names and their addresses as this process sees them, then a dot, and
// waits until its input ends. With two arguments, it first maps the library
// and the file of these names as code.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int initialised = 1;
int zeroed[5000];
static const char *const table[] = { "a", "b" };

#ifdef LIBRARY
extern int library_variable;
int library_function(void);
#endif

static void *map_code(const char *path, size_t size, off_t offset)
{
	int fd = open(path, O_RDONLY);
	void *p = mmap(0, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, offset);
	if (fd < 0 || p == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	close(fd);
	return p;
}

static int hidden(void)
{
	return zeroed[1];
}

#define REPORT(name) printf("%s %p\n", #name, (void *)&name)

int main(int argc, char **argv)
{
	REPORT(main);
	REPORT(hidden);
	REPORT(initialised);
	REPORT(zeroed);
	REPORT(table);
	REPORT(puts);
	REPORT(exit);
#ifdef LIBRARY
	REPORT(library_function);
	if (argc == 3) {
		char *code = map_code(argv[1], 8192, 0);
		mprotect(code + 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
		printf("again %p\n", (void *)code);
		map_code(argv[2], 8192, 0);
	}
#endif
	puts(".");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return hidden();
}
