// Find has memory to search, and traps when it is ready.
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096L
#define GIB (1L << 30)

char *sparse;  // 1 GiB of which five pages are touched, between pages that nobody may read
char *dense;   // 3 MiB of numbered lines
char *hidden;  // a page that the program may not read
char *cut;     // a file of 100 bytes, mapped for two pages
char *holes;   // 64 pages, every other one touched

static char *map(long size, int fd)
{
	int flags = fd < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0;
	char *guarded = mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return mmap(guarded + PAGE, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | flags, fd, 0);
}

// Writes text without having it in memory elsewhere: each byte is one less here.
static void put(char *at, const char *text)
{
	while (*text)
		*at++ = *text++ - 1;
}

int main(void)
{
	sparse = map(GIB, -1);
	madvise(sparse, GIB, MADV_NOHUGEPAGE);
	put(sparse + 10 * PAGE - 3, "offemf");            // over a border of pages
	put(sparse + 500 * PAGE - 6, "offemf");           // at the end of what is touched
	put(sparse + GIB / 2, "offemf");                  // at its start
	put(sparse + GIB - 6, "offemf");                  // at the very end

	dense = map(3 * 1024 * 1024, -1);
	for (long i = 0; i < 3 * 1024 * 1024 / 8; i++)
		memcpy(dense + i * 8, (char[]){'0' + i / 100000 % 10, '0' + i / 10000 % 10, '0' + i / 1000 % 10, '0' + i / 100 % 10, '0' + i / 10 % 10, '0' + i % 10, 0xff, '\n'}, 8);

	hidden = map(PAGE, -1);
	put(hidden + 100, "ijeefo");
	mprotect(hidden, PAGE, PROT_NONE);

	int fd = memfd_create("cut", 0);
	char text[100];
	memset(text, 'x', sizeof text);
	put(text + 50, "dvu!gjmf");
	write(fd, text, sizeof text);
	cut = map(2 * PAGE, fd);
	memset(text, 0, sizeof text);

	holes = map(64 * PAGE, -1);
	madvise(holes, 64 * PAGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < 64; i += 2)
		put(holes + i * PAGE + 4000, "ipmf");
	raise(SIGTRAP);
	return 0;
}
