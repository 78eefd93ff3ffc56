// Echo prints "ready" and then every line that it reads, in brackets, until the end
// of its input, when it prints "bye" to its standard error.

#include <stdio.h>

int main(void)
{
	static char line[1 << 20];
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		for (char *p = line; *p; p++)
			if (*p == '\n')
				*p = 0;
		printf("[%s]\n", line);
		fflush(stdout);
	}
	fputs("bye\n", stderr);
	return 0;
}
