// Names has functions with names of C++, an IFUNC and a call through the PLT.

#include <string.h>
#include <stdlib.h>

int parse(int) __asm__("_ZN2ns5parseEi");
int parse_text(const char *) __asm__("_ZN2ns5parseEPKc");
int method(void *) __asm__("_ZNK2ns5Class6methodEv");

int parse(int i)
{
	return i + 1;
}

int parse_text(const char *text)
{
	return parse(strlen(text));
}

int method(void *this)
{
	return parse_text(this);
}

static int fast(int i)
{
	return i + 2;
}

static int (*choose(void))(int)
{
	return fast;
}

int chosen(int) __attribute__((ifunc("choose")));

int main(int argc, char **argv)
{
	if (argc < 1)
		abort();
	return method(argv[0]) + chosen(argc) > 100;
}
