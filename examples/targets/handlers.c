// Handlers lives through its own signals: it counts three SIGUSR1 and survives
// a null pointer by jumping out of its SIGSEGV handler.

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t count;
static sigjmp_buf recovered;

static void on_usr1(int sig)
{
	(void)sig;
	count++;
}

static void on_segv(int sig)
{
	siglongjmp(recovered, sig);
}

static int try_read(const volatile int *p)
{
	if (sigsetjmp(recovered, 1))
		return -1;
	return *p;
}

int main(void)
{
	signal(SIGUSR1, on_usr1);
	signal(SIGSEGV, on_segv);
	for (int i = 0; i < 3; i++)
		raise(SIGUSR1);
	printf("%d signals, read %d\n", (int)count, try_read(NULL));
	return 0;
}
