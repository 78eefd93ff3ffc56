// cc -g -O0 packed.c
//
// Its code is encrypted in its data. It decrypts that into new memory, and calls it.

#include <string.h>
#include <sys/mman.h>

// mov eax, 42; ret
static const unsigned char packed[] = {0xe2, 0x70, 0x5a, 0x5a, 0x5a, 0x99};

int main(void)
{
	unsigned char *code = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < sizeof packed; i++)
		code[i] = packed[i] ^ 0x5a;
	mprotect(code, 4096, PROT_READ | PROT_EXEC);
	return ((int (*)(void))code)();
}
