// Functions that are looked at where they begin.
struct pair { long a, b; };
struct mixed { double d; int n; };
struct large { long v[4]; };

int plain(int a, const char *b, char c, double d, float e) { return a + *b + c + d + e; }
int structs(struct pair p, struct mixed m, struct large l, int last) { return p.a + m.n + l.v[0] + last; }
struct large many(int a, int b, int c, int d, int e, int f, int g) { return (struct large){ { a, b, c, d + e + f + g } }; }

int main(void)
{
	struct large l = { { 5, 6, 7, 8 } };
	l = many(plain(-1, "text", 'c', 1.5, 2.5f), structs((struct pair){ 1, 2 }, (struct mixed){ 0.5, 3 }, l, 9), 3, 4, 5, 6, 7);
	return l.v[0] == 0;
}
