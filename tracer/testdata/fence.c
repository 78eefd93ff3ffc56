// Fence has pages that nobody can read in the middle of memory that it may write, as
// newer C libraries have them below stacks, and traps.
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096L

char *fenced;
int guards; // what madvise returned, 0 if the kernel knows guards (Linux 6.13)

int main(void)
{
	fenced = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(fenced, "before a fence");
	strcpy(fenced + 2 * PAGE, "behind a fence");
	const int guard_install = 102; // MADV_GUARD_INSTALL
	guards = madvise(fenced + PAGE, PAGE, guard_install) | madvise(fenced + 3 * PAGE, PAGE, guard_install);
	return raise(SIGTRAP);
}
