// Saves the registers of a coroutine, and stops in main.
#include <signal.h>
#include <ucontext.h>

ucontext_t saved, main_context;
char stack[65536];

static void wait_for(int n)
{
	int twice = 2 * n;
	swapcontext(&saved, &main_context);
	(void)twice;
}

static void work(void) { wait_for(21); }

int main(void)
{
	getcontext(&saved);
	saved.uc_stack.ss_sp = stack;
	saved.uc_stack.ss_size = sizeof stack;
	saved.uc_link = &main_context;
	makecontext(&saved, work, 0);
	swapcontext(&main_context, &saved);
	raise(SIGTRAP);
	return 0;
}
