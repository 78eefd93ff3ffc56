// Calls asks for its parent's ID three times, the last two times with a handler for
// SIGUSR1 in place, and exits with how often that ran, or with 9 if its parent
// changed.

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile int count;
volatile long parent, again;

static void handle(int sig)
{
	count++;
}

int main(void)
{
	parent = syscall(SYS_getppid);
	signal(SIGUSR1, handle);
	again = syscall(SYS_getppid);
	if (syscall(SYS_getppid) != parent)
		return 9;
	return count;
}
