// Family makes a child with fork and one with vfork, and then executes itself with
// an argument, with which it exits. Told to wait, it first does until go is not 0.

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

volatile int go;

__attribute__((noinline)) void quit(int code) { _exit(code); }

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		while (!go)
			usleep(1000);
	else if (argc > 1)
		return atoi(argv[1]);
	if (fork() == 0)
		_exit(1);
	wait(NULL);
	if (vfork() == 0)
		quit(2);
	wait(NULL);
	execl("/proc/self/exe", "family", "5", NULL);
	return 127;
}
