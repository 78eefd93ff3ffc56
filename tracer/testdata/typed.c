// Variables of many types, at stops that raise SIGTRAP by an instruction of their own.
#include <complex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <uchar.h>

#define STOP asm volatile("int3" ::: "memory")
#define KEEP(x) asm volatile("" : : "g"(x) : "memory")

enum color { RED, GREEN = 5, BLUE };
enum flags { READ = 1, WRITE = 2, EXEC = 4 };
enum signs { MINUS = -3, PLUS = 3 };
struct point { int x, y; };
struct bits { unsigned a : 3; signed b : 5; unsigned long c : 37; _Bool d : 1; enum color e : 4; unsigned char : 0; int f : 7; };
struct inner { char name[16]; struct point p; union { int whole; float real; }; struct { short low, high; }; };
struct node { struct node *next; int value; int (*call)(int); };
struct flexible { int n; char tail[]; };
struct empty {};
typedef int v4 __attribute__((vector_size(16)));
typedef struct point point_t;
typedef unsigned char byte;

int counter = 42;
static int hidden = 7;
const char *const words[] = { "one", "two\n\"quoted\"\t\033[31m", "", NULL };
struct point grid[2][3] = { { { 1, 2 }, { 3, 4 } }, { { 5, 6 } } };
__thread int own = 11;

static int twice(int n) { return 2 * n; }

__attribute__((noinline)) int scalars(int n, unsigned char c, short s, long l, double d, float f, _Bool yes, char ch, unsigned long long big)
{
	long double ld = d * 3;
	__int128 wide = (__int128)l << 64 | 5;
	unsigned __int128 uwide = -1;
	double complex z = 1.5 + 2 * I;
	float complex zf = 1 - 1 * I;
	wchar_t w = L'w';
	char16_t c16 = u'x';
	char32_t c32 = U'y';
	signed char neg = -2;
	byte b = 'b';
	double inf = 1e308 * 10 * n, tiny = 4.9e-324, third = 1.0 / 3;
	float nan = inf - inf;
	int *p = &n;
	void *v = p;
	STOP;
	KEEP(&ld); KEEP(&wide); KEEP(&uwide); KEEP(&z); KEEP(&zf); KEEP(&w); KEEP(&c16); KEEP(&c32); KEEP(&neg); KEEP(&b);
	KEEP(&inf); KEEP(&tiny); KEEP(&third); KEEP(&nan); KEEP(&p); KEEP(&v);
	return n + c + s + l + d + f + yes + ch + big;
}

__attribute__((noinline)) int aggregates(struct point at, struct point *ptr, const char *text, int count)
{
	struct bits bits = { 5, -7, 123456789012, 1, BLUE, -3 };
	struct inner inner = { "name", { 8, 9 }, { 0x40490fdb }, { 3, 4 } };
	struct inner many[12] = { { "a" } };
	struct node last = { NULL, 2, twice }, first = { &last, 1, NULL };
	struct flexible *flex = malloc(sizeof *flex + 8);
	struct empty none;
	enum color color = GREEN, other = 77;
	enum flags flags = READ | EXEC, more = READ | 8, zero = 0, odd = 8;
	enum signs sign = MINUS;
	char buf[16] = "hi", full[3] = "abc", esc[] = "tab\t\001\377\"q'\\", long_text[300];
	unsigned char bytes[4] = { 1, 2, 0, 255 };
	wchar_t wide[] = L"wide\x263a";
	char16_t u16[] = u"sixteen";
	int numbers[5] = { 1, 2, 3 }, same[20] = { 0 }, runs[15] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2 }, table[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
	int lots[300], empty_array[0];
	double reals[3] = { 1, 2.5, -0.0 };
	v4 vector = { 1, 2, 3, 4 };
	int vla[count];
	int (*call)(int) = twice;
	int (*rows)[3] = table;
	const char *names[3] = { "x", NULL, text };
	point_t alias = { 1, 1 };
	struct point *points[2] = { ptr, NULL };
	for (int i = 0; i < 300; i++) {
		lots[i] = i;
		long_text[i] = 'a' + i % 26;
	}
	for (int i = 0; i < count; i++)
		vla[i] = i * i;
	flex->n = 3;
	strcpy(flex->tail, "abc");
	int shadow = 1;
	{
		int shadow = 2;
		static int kept = 3;
		STOP;
		kept += shadow;
		KEEP(&shadow);
	}
	KEEP(&bits); KEEP(&inner); KEEP(&many); KEEP(&first); KEEP(&last); KEEP(&flex); KEEP(&none); KEEP(&color); KEEP(&other);
	KEEP(&flags); KEEP(&more); KEEP(&zero); KEEP(&odd); KEEP(&sign); KEEP(&buf); KEEP(&full); KEEP(&esc); KEEP(&long_text);
	KEEP(&bytes); KEEP(&wide); KEEP(&u16); KEEP(&numbers); KEEP(&same); KEEP(&runs); KEEP(&table); KEEP(&lots); KEEP(&empty_array);
	KEEP(&reals); KEEP(&vector); KEEP(vla); KEEP(&call); KEEP(&rows); KEEP(&names); KEEP(&alias); KEEP(&points); KEEP(&shadow);
	return at.x + shadow + own + hidden;
}

static inline __attribute__((always_inline)) int inlined(int a, int b)
{
	int sum = a + b;
	STOP;
	return sum * 2;
}

__attribute__((noinline)) int optimised(int a, int b, struct point p)
{
	int unused = a * b;
	struct point q = { p.y, p.x };
	int *dropped = &q.x;
	int r = inlined(a + *dropped, b);
	STOP;
	return r + q.y;
}

int main(int argc, char **argv)
{
	struct point here = { 10, 20 };
	int n = scalars(argc, 200, -5, 1L << 40, 0.1, 0.1f, 1, 'c', ~0ULL);
	n += aggregates(here, &here, "text", 4);
	n += optimised(n, argc, here);
	STOP;
	return n == 0;
}
