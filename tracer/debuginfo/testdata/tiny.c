// A program without libraries: the seed of fuzzing, which is slow over more.
struct node {
	int key : 5;
	struct node *next;
};

static int calls;

static inline __attribute__((always_inline)) int twice(int n)
{
	int doubled = n * 2;
	calls++;
	return doubled;
}

__attribute__((noinline)) static int sum(const struct node *list, int argc)
{
	int total = 0;

	for (; list; list = list->next)
		total += twice(list->key);
	return total + argc;
}

void _start(void)
{
	struct node one = { 1, 0 }, two = { 2, &one };
	int total = sum(&two, calls);

	asm volatile("syscall" : : "a"(60), "D"(total));
	__builtin_unreachable();
}
