// Flood writes as many bytes as its argument says, without reading anything.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char block[1 << 16];
	long left = argc > 1 ? atol(argv[1]) : 0;
	memset(block, 'f', sizeof block);
	while (left > 0) {
		long n = write(1, block, left < sizeof block ? left : sizeof block);
		if (n < 0)
			return 1;
		left -= n;
	}
	return 0;
}
