// A function with a second name, which debug information does not have.

__attribute__((noinline)) char *behind(char *s) { return s + 1; }

char *second(char *s) __attribute__((alias("behind")));

int main(void)
{
	__asm__ volatile("int3");
	return *behind("\1");
}
