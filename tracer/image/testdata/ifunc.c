// Calls a function that is chosen at run time, through a pointer too.

static int fast(int i)
{
	return i + 1;
}

static int (*choose(void))(int)
{
	return fast;
}

int chosen(int) __attribute__((ifunc("choose")));

int (*pointer)(int) = chosen;

int main(void)
{
	return chosen(1) + pointer(2);
}
