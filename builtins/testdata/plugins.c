// Plugins loads a library, calls it and unloads it, twice.

#include <dlfcn.h>

int main(int argc, char **argv)
{
	for (long i = 1; i <= 2; i++) {
		void *library = dlopen(argv[1], RTLD_NOW);
		long (*plug)(long) = dlsym(library, "plug");
		if (plug(i) != i || dlclose(library))
			return 1;
	}
	return 0;
}
