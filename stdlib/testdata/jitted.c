// Makes a function at run time, tells its name as perf wants it, and calls it.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

// push rbp; mov rbp, rsp; int3; lea eax, [rdi+1]; pop rbp; ret
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xcc, 0x8d, 0x47, 0x01, 0x5d, 0xc3};

int main(int argc, char **argv)
{
	char *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(page + 0x100, code, sizeof code);
	FILE *map = fopen(argv[1], "w");
	fprintf(map, "%lx 10 not yet\n%lx %zx jit add:7\nnonsense\n", (long)page + 0x100, (long)page + 0x100, sizeof code);
	fclose(map);
	return ((int (*)(int))(page + 0x100))(41);
}
