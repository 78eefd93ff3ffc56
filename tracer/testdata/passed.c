// Arguments that functions pass on in tail calls, and do not keep.
#define FORGET asm volatile("xor %%edi, %%edi; xor %%esi, %%esi; int3" ::: "rdi", "rsi", "memory")

__attribute__((noipa)) static int last(int n, long passed)
{
	asm volatile("" ::"r"(n), "r"(passed));
	FORGET;
	return 1;
}

__attribute__((noipa)) static int middle(int n, long passed)
{
	asm volatile("" ::"r"(n));
	return last(n + 1, passed);
}

__attribute__((noipa)) static int called(int n, long passed)
{
	asm volatile("" ::"r"(n), "r"(passed));
	FORGET;
	return 2;
}

int main(int argc, char **argv)
{
	int (*volatile by_pointer)(int, long) = middle;
	int sum = called(3, 7);
	sum += middle(2, 5);
	sum += by_pointer(4, 9);
	return sum == 0;
}
