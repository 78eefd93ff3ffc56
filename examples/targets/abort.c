// Abort finds its own state inconsistent and aborts, three calls deep.

#include <stdio.h>
#include <stdlib.h>

struct account {
	const char *owner;
	long balance;
};

static void panic(const char *why)
{
	fprintf(stderr, "panic: %s\n", why);
	abort();
}

static void check_balance(const struct account *a)
{
	if (a->balance < 0)
		panic("balance below zero");
}

static void withdraw(struct account *a, long amount)
{
	a->balance -= amount;
	check_balance(a);
}

int main(void)
{
	struct account a = {"ann", 100};
	withdraw(&a, 70);
	withdraw(&a, 70);
	return 0;
}
