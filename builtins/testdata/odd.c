// A function without call frame information that runs others on a stack of its own.

static volatile int n;

__attribute__((noinline, used)) void inner(void) { n++; }

__asm__(".text\n"
	".globl odd\n"
	".type odd, @function\n"
	"odd:\n"
	"	mov %rsp, %r12\n"
	"	bswap %r12\n" // which no unwinder follows
	"	lea area+4096(%rip), %rsp\n"
	"	call inner\n"
	"	bswap %r12\n"
	"	mov %r12, %rsp\n"
	"	ret\n"
	".size odd, . - odd\n"
	".lcomm area, 4096\n");

int main(void)
{
	__asm__ volatile("sub $128, %%rsp; call odd; add $128, %%rsp" ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "memory", "cc");
	return n - 1;
}
