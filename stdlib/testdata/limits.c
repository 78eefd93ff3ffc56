// Takes all the time or memory there is, in the way that its argument names.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *spin(void *p)
{
	for (;;)
		;
}

static void grow(void)
{
	for (;;)
		memset(malloc(1 << 20), 1, 1 << 20);
}

static long deep(long n) // which comes and goes, but not further out than 100
{
	for (volatile long k = 0; n == 100; k++)
		deep(99 - k % 50);
	return n ? deep(n - 1) + 1 : 0;
}

static void filter(void) // which ends the process when it calls getppid
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	pthread_t t;
	for (int i = 0; i < 4; i++)
		pthread_create(&t, 0, spin, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){4, code});
	getppid();
}

static volatile long sink;

static long descend(long n) // until the stack is too deep to be looked at whole, and on from there
{
	for (long k = 0; n > 15000 && k < 1000000; k++)
		sink++;
	return descend(n + 1) + sink;
}

int main(int argc, char **argv)
{
	pthread_t t;
	switch (argv[1][1]) {
	case 't': // stop
		raise(SIGSTOP);
		break;
	case 'p': // spin
		pthread_create(&t, 0, spin, 0);
		pthread_join(t, 0);
		break;
	case 'o': // poll
		for (int fd = epoll_create1(0);;)
			epoll_wait(fd, &(struct epoll_event){}, 1, -1);
	case 'i': // filter, kid
		if (argv[1][0] == 'k' && fork() != 0) {
			wait(0);
			break;
		}
		filter();
		break;
	case 'f': // vfork
		if (vfork() == 0)
			for (;;)
				pause();
		break;
	case 'u': // dug
		descend(0);
	case 'e': // deep
		deep(600);
	case 'r':
		if (argv[1][0] == 'g')
			grow();
		for (;;) // write
			write(1, "x", 1);
	}
}
