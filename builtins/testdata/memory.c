// Memory has variables to look at, and a page that cannot be read behind two that
// can, and traps when they are ready.

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

unsigned char bytes[16] = {0x80, 0xff, 1, 2, 3, 4, 5, 0x86, 0xde, 0xad, 0xbe, 0xef};
float single = 1.5f;
double twice = -0.25;
void *pointer = bytes;
const char text[] = "a string";
char zeros[2 << 20];
char *pages; // the first of the two

int main(void)
{
	pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(pages + 2 * 4096, 4096);
	memcpy(pages + 4090, "rare needle", 11);
	memset(pages + 2 * 4096 - 5, 'x', 5);
	raise(SIGTRAP);
	return 0;
}
