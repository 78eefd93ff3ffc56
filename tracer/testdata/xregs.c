// xregs MODE: fills the extended registers from a pattern and raises SIGTRAP, then
// checks that they hold the pattern (MODE keep) or its complement (MODE invert) and
// exits with 0 if they do, else with the number of the set that does not.
#include <stdio.h>
#include <string.h>

unsigned char vectors[32][64], masks[8][8], stack[8][16];
static unsigned char out_vectors[32][64], out_masks[8][8], out_stack[8][16];

#define LOW "0,1,2,3,4,5,6,7"
#define XMM LOW ",8,9,10,11,12,13,14,15"
#define ALL XMM ",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

// exchange(level, vectors, masks, stack, out_vectors, out_masks) with out_stack on
// the stack. Level 2 has AVX-512, 1 AVX, 0 neither.
void exchange(int level, void *v, void *m, void *s, void *ov, void *om, void *os);
asm(".text\n.globl exchange\n.type exchange, @function\nexchange:\n"
    "mov 8(%rsp), %rax\n"
    "fninit\n"
    ".irp i,7,6,5,4,3,2,1,0\n fldt 16*\\i(%rcx)\n .endr\n"
    "cmp $1, %edi\n je 1f\n ja 2f\n"
    ".irp i," XMM "\n movdqu 64*\\i(%rsi), %xmm\\i\n .endr\n jmp 3f\n"
    "1:.irp i," XMM "\n vmovdqu 64*\\i(%rsi), %ymm\\i\n .endr\n jmp 3f\n"
    "2:.irp i," ALL "\n vmovdqu64 64*\\i(%rsi), %zmm\\i\n .endr\n"
    ".irp i," LOW "\n kmovq 8*\\i(%rdx), %k\\i\n .endr\n"
    "3: int3\n"
    "cmp $1, %edi\n je 4f\n ja 5f\n"
    ".irp i," XMM "\n movdqu %xmm\\i, 64*\\i(%r8)\n .endr\n jmp 6f\n"
    "4:.irp i," XMM "\n vmovdqu %ymm\\i, 64*\\i(%r8)\n .endr\n jmp 6f\n"
    "5:.irp i," ALL "\n vmovdqu64 %zmm\\i, 64*\\i(%r8)\n .endr\n"
    ".irp i," LOW "\n kmovq %k\\i, 8*\\i(%r9)\n .endr\n"
    "6:.irp i," LOW "\n fstpt 16*\\i(%rax)\n .endr\n"
    "ret\n.size exchange, .-exchange\n");

static void fill(unsigned char *p, int n, int seed) {
	for (int i = 0; i < n; i++)
		p[i] = (i + seed) * 167 + (i >> 8);
}

int main(int argc, char **argv) {
	int level = __builtin_cpu_supports("avx512bw") ? 2 : __builtin_cpu_supports("avx") ? 1 : 0;
	int width = 16 << level, count = level == 2 ? 32 : 16;
	fill(*vectors, sizeof vectors, 1);
	fill(*masks, sizeof masks, 2);
	fill(*stack, sizeof stack, 3);
	exchange(level, vectors, masks, stack, out_vectors, out_masks, out_stack);
	unsigned char flip = argc > 1 && !strcmp(argv[1], "invert") ? 0xff : 0;
	for (int i = 0; i < count; i++)
		for (int j = 0; j < width; j++)
			if (out_vectors[i][j] != (vectors[i][j] ^ flip))
				return 1;
	for (int i = 0; i < 8 && level == 2; i++)
		for (int j = 0; j < 8; j++)
			if (out_masks[i][j] != (masks[i][j] ^ flip))
				return 2;
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 10; j++)
			if (out_stack[i][j] != (stack[i][j] ^ flip))
				return 3;
	return 0;
}
