// Finish recurses, and calls through code that was inlined.
volatile int total;

__attribute__((noinline)) int walk(int n)
{
	if (n == 0)
		return ++total;
	return walk(n - 1) + n;
}

static inline __attribute__((always_inline)) int around(int n)
{
	int m = walk(n);
	total += m;
	return m + 1;
}

__attribute__((noinline)) int outer(int n)
{
	int m = around(n);
	total++;
	return m * 2;
}

int main(void)
{
	return outer(4) - 20;
}
