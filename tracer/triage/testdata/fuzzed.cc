// A target of libFuzzer that does what it reads.
#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	switch (size ? data[0] : 0) {
	case 'T': // takes too long
		for (volatile int i = 0;;)
			i = 1;
	case 'O': // takes all memory
		for (;;) {
			char *volatile p = (char *)malloc(1 << 20);
			memset(p, 1, 1 << 20);
		}
	case 'E':
		exit(0);
	case 'W':
		const_cast<uint8_t *>(data)[0] = 'x';
		break;
	case 'A':
		abort();
	}
	return 0;
}
