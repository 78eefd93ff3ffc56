// mapsfile FILE [delete]: maps a file that it may not write to, reads it, and writes
// through a null pointer.
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

const char *volatile text;

int main(int argc, char **argv) {
	text = mmap(NULL, 11000, PROT_READ, MAP_PRIVATE, open(argv[1], O_RDONLY), 0);
	if (argv[2][0])
		unlink(argv[1]);
	*(volatile int *)NULL = text[5500];
}
