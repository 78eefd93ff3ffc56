// Family makes a child with fork and one with vfork, and then executes itself with
// an argument, with which it exits.

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc > 1)
		return atoi(argv[1]);
	if (fork() == 0)
		_exit(1);
	wait(NULL);
	if (vfork() == 0)
		_exit(2);
	wait(NULL);
	execl("/proc/self/exe", "family", "5", NULL);
	return 127;
}
