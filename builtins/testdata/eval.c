// A program whose variables expressions are evaluated over.
struct node {
	const char *name;
	int value;
	struct node *next;
};

static struct node second = {"second", 20, 0};
static struct node first = {"first", 10, &second};
int total = 40;

int twice(int x) { return 2 * x; }

int length(const char *s)
{
	int n = 0;
	while (s[n])
		n++;
	return n;
}

int depth(int x) { return x + total; }

int main(void)
{
	struct node *list = &first;
	int local = 13;
	return depth(4) + local + list->value + twice(2) + length(list->name) == 0;
}
