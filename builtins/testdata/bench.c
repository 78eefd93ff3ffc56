// Calls work for ever. block is there to be read.
#include <string.h>

char block[64 << 20];

__attribute__((noinline)) void work(long n) { __asm__ volatile(""); }

int main(void)
{
	memset(block, 1, sizeof block);
	for (long n = 0;; n++)
		work(n);
}
