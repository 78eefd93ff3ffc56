// The variables that expressions are evaluated over, in C.
#include <stdint.h>
#include <stdlib.h>

enum color { RED, GREEN = 5, BLUE = -3 };
struct item { char name[8]; unsigned flags : 3; int delta : 5; uint8_t kind : 8; struct item *next; union { int i; float f; } u; };
struct pair { long a, b; };

static int counter = 7;
int table[2][3] = {{1, 2, 3}, {4, 5, 6}};
struct item second = {"two", 7, -1, 200, 0, {.f = 1.5f}};
struct item first = {"one", 5, -9, 100, &second, {.i = 42}};
const char *words[] = {"alpha", "beta", "gamma"};
volatile unsigned char byte = 250;
signed char small = -100;
unsigned short port = 65535;
int minus = -17;
unsigned int mask = 0xf0f0f0f0;
long big = 1L << 40;
unsigned long huge = ~0UL;
__int128 wide = (__int128)1 << 70;
float ratio = 0.75f;
double pi = 3.14159265358979;
long double precise = 1.1L;
_Bool yes = 1;
enum color tint = BLUE;
void *opaque = &first;
size_t length = 12;
struct pair couple = {3, 4};

static int twice(int x) { return 2 * x; }
int (*function)(int) = twice;
unsigned sum(unsigned a, unsigned char b) { return a + b; }
size_t count(const char *s) { size_t n = 0; while (s[n]) n++; return n; }

int main(void)
{
	struct item *list = &first;
	int local = 11;
	int *where = &table[0][0];
	{
		int local = 12;
		__asm__ volatile("int3");
		counter += local;
	}
	return function(local) + where[0] + (list != 0) + sum(1, 2) + count("x");
}
