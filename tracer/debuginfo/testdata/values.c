/* Variables in all the places where compilers put them. */
#include <stdlib.h>
#include <string.h>

struct point { int x, y; };
struct big { long a[6]; char tag; };
enum level { LOW, MID = 5, HIGH };
typedef double real;

static int counter = 3;
_Thread_local int mine = 11;
struct point origin = { -1, -2 };
const char *greeting = "hello";

__attribute__((noinline)) static int leaf(int a, long b, struct point p, real r)
{
	static int visits;
	int local = a * 3 + (int)b;
	real half = r / 2;

	visits++;
	asm volatile("" : : : "memory");
	counter += p.x;
	local += p.y + (int)half + visits;
	return local;
}

static inline __attribute__((always_inline)) int square(int v)
{
	int w = v + 1;
	return w * w;
}

__attribute__((noinline)) static long middle(struct big *big, int n, char c)
{
	struct point pair = { n, n + 1 };
	struct point *ptr = &pair;
	int fixed = 42;
	enum level level = n > 2 ? HIGH : LOW;
	long sum = 0;
	real ratio = n * 1.5;

	for (int i = 0; i < 6; i++) {
		long item = big->a[i];
		sum += item * square(i);
	}
	sum += leaf(n, sum, pair, ratio);
	sum += ptr->x + fixed + (int)level + c;
	return sum;
}

__attribute__((noinline)) static int variable(int n)
{
	int array[n];
	int total = 0;

	for (int i = 0; i < n; i++)
		array[i] = i * i;
	for (int i = 0; i < n; i++)
		total += array[i];
	return total;
}

__attribute__((noinline)) static long chain(long a, long b, long c, long d, long e, long f, long g, long h)
{
	long first = middle((struct big *)a, (int)b, (char)c);
	return first + d + e + f + g + h;
}

int main(int argc, char **argv)
{
	struct big big = { { 1, 2, 3, 4, 5, 6 }, 'x' };
	int n = argc + 4;
	long result;

	(void)argv;
	mine++;
	result = chain((long)&big, n, 'q', 4, 5, 6, 7, 8);
	result += variable(n);
	result += (long)strlen(greeting) + origin.x + mine;
	return (int)(result & 1);
}
