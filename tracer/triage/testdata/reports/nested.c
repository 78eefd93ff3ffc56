// clang -g -O1 -fsanitize=address -ffile-prefix-map=$PWD=/src -o nest nest.c && ./nest 7fffffffffffffff
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

static char *last;
static void keep(const char *report) { strcpy(last, report); }

__attribute__((noinline)) static long load(long *p) { return *p; }

int main(int argc, char **argv)
{
	__asan_set_error_report_callback(keep);
	return load((long *)strtol(argv[1], 0, 16)) == 77;
}
