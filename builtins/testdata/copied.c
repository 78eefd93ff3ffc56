// A function that is called at one place and inlined at two.
volatile int total;

inline __attribute__((always_inline)) int both(int n)
{
	total += n;
	return total;
}

extern int both(int n);
int (*volatile pointer)(int n) = both;

__attribute__((noinline)) int caller(int n)
{
	total--;
	return both(n) + 1;
}

int main(void)
{
	total++;
	int sum = both(1);
	sum += caller(2);
	return sum + pointer(3);
}
