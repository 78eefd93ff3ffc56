// cc -g -O0 leaky.c
//
// Reads three files, and forgets to close those that are empty.

#include <fcntl.h>
#include <unistd.h>

static int size(const char *path)
{
	char c;
	int n = 0, fd = open(path, O_RDONLY);
	while (read(fd, &c, 1) == 1)
		n++;
	if (n == 0)
		return 0;
	close(fd);
	return n;
}

int main(void)
{
	return size("/etc/passwd") > 0 && size("/dev/null") == 0 && size("/etc/group") > 0 ? 0 : 1;
}
