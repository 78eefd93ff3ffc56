// Goes round, counts, and says so.
#include <stdio.h>

volatile long turns;

int main(void)
{
	puts("ready");
	fflush(stdout);
	for (;;) {
		__asm__ volatile("stepped: pxor %%xmm0, %%xmm0" ::: "xmm0");
		turns++;
	}
}
