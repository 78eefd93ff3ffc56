// Parent forks a child that exits with 7 on SIGUSR1, prints the child's ID, waits
// for it, and exits with its code, or with 1 if it can be waited for twice.

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int sig)
{
	_exit(7);
}

int main(void)
{
	signal(SIGUSR1, leave);
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	if (waitpid(child, NULL, WNOHANG) != 0)
		return 2;
	printf("%d\n", child);
	fflush(stdout);
	int status;
	if (waitpid(child, &status, 0) != child)
		return 3;
	if (waitpid(child, NULL, 0) != -1)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}
