// cc -g -O0 careless.c
//
// A program that looks at most of what it is told, but not at all: the third malloc and
// what write has not written. It exits with 2 where it sees that something failed.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *copy(const char *text)
{
	char *p = malloc(strlen(text) + 1);
	if (!p)
		exit(errno == ENOMEM ? 2 : 4);
	return strcpy(p, text);
}

static char *careless_copy(const char *text)
{
	return strcpy(malloc(strlen(text) + 1), text);
}

static int all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		data += done;
		n -= done;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *a = copy("first"), *b = copy("second"), *c = careless_copy("third");
	int fd = open(argc > 1 ? argv[1] : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return 2;
	if (all(fd, a, 5) || all(fd, b, 6) || all(fd, c, 5))
		return 2;
	write(fd, "careless", 8);
	return close(fd) ? 2 : 0;
}
