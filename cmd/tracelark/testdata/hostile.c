// A program that does what its input's first byte says, all of it bad for others.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char block[1 << 20];

int main(int argc, char **argv) {
	FILE *input = fopen(argv[1], "r");
	int out, *made;
	switch (fgetc(input)) {
	case 'D': // fills the disk
		out = open("big", O_WRONLY | O_CREAT | O_TRUNC, 0666);
		while (write(out, block, sizeof block) > 0)
			;
		break;
	case 'E': // prints without end
		for (;;)
			fwrite(block, 1, sizeof block, stderr);
	case 'F': // makes more and more processes, which the test must outlive if they run free
		made = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		while (__sync_add_and_fetch(made, 1) < 2000)
			fork();
		for (;;)
			pause();
	case 'G': // ends what it takes for its group
		kill(0, SIGKILL);
	case 'K':
		kill(0, SIGABRT);
	case 'N': // becomes a daemon
		if (fork() == 0) {
			setsid();
			signal(SIGTERM, SIG_IGN);
			signal(SIGHUP, SIG_IGN);
			if (fork() == 0)
				for (;;)
					pause();
		}
		break;
	case 'S':
		*(volatile char *)8 = 1;
	}
	return 0;
}
