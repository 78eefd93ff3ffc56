static __attribute__((noinline)) int drop(int kept, int dropped)
{
	asm volatile("nop" : : "g"(kept) : "memory");
	asm volatile("int3" : : : "memory");
	return kept + 1;
}

__attribute__((noinline)) int call(int a, int b)
{
	int n = drop(a, b * 3 + 1);
	asm volatile("" : : "g"(b), "g"(b * 3 + 1));
	return n + b;
}

int main(int argc, char **argv)
{
	return call(argc, argc + 4) + call(argc + 1, 7) + call(3, argc);
}
