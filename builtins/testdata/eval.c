// A program whose variables expressions are evaluated over.
struct node {
	const char *name;
	int value;
	struct node *next;
};

static struct node second = {"second", 20, 0};
static struct node first = {"first", 10, &second};
int total = 40;
char scratch[32];

int twice(int x) { return 2 * x; }

int length(const char *s)
{
	int n = 0;
	while (s[n])
		n++;
	return n;
}

struct point { double x, y; };

double half(double x) { return x / 2; }

float third(float x) { return x / 3; }

struct point mirrored(struct point p) { return (struct point){p.y, p.x}; }

long corner(struct point p, double by) { return p.x * 10 + p.y + by; }

struct point origin = {1, 2};

int depth(int x) { return x + total; }

int main(void)
{
	struct node *list = &first;
	int local = 13;
	return depth(4) + local + list->value + twice(2) + length(list->name) == 0;
}
