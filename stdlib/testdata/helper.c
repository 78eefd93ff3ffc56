// cc -g -O0 helper.c
//
// A program that calls a function of a library, which is this file with LIBRARY.
struct point { int x, y; };

#ifdef LIBRARY
typedef unsigned long count;

long helper(const char *text, count n, double weight, struct point *at, short small)
{
	return text[0] + (long)n + (long)weight + at->x + small;
}
#else
long helper(const char *, unsigned long, double, struct point *, short) __attribute__((weak));

int main(void)
{
	struct point at = {1, 2};
	return helper ? (int)helper("text", 3, 2.5, &at, -1) : 0;
}
#endif
