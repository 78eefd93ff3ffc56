// Plugins loads a library, calls it and unloads it, three times: into its own
// namespace, and with a second argument into a new one.

#define _GNU_SOURCE
#include <dlfcn.h>

__attribute__((noinline)) void here(void) { asm volatile(""); }

int main(int argc, char **argv) {
	for (long i = 1; i <= 3; i++) {
		void *library = argc > 2 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : dlopen(argv[1], RTLD_NOW);
		if (!library)
			return 1;
		long (*plug)(long) = dlsym(library, "plug");
		if (plug(i) != i)
			return 2;
		if (dlclose(library))
			return 3;
		here();
	}
	return 0;
}
