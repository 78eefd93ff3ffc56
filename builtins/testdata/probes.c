// Probes as sys/sdt.h makes them.
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE(name, semaphore, args, ...)                                                                          \
	__asm__ volatile("990: nop\n"                                                                              \
	                 ".pushsection .note.stapsdt, \"\", \"note\"\n"                                             \
	                 ".balign 4\n"                                                                             \
	                 ".4byte 992f-991f, 994f-993f, 3\n"                                                        \
	                 "991: .asciz \"stapsdt\"\n"                                                               \
	                 "992: .balign 4\n"                                                                        \
	                 "993: .8byte 990b, _.stapsdt.base, " semaphore "\n"                                       \
	                 ".asciz \"tracelark\", \"" name "\", \"" args "\"\n"                                      \
	                 "994: .balign 4\n"                                                                        \
	                 ".popsection\n"                                                                           \
	                 ".ifndef _.stapsdt.base\n"                                                                \
	                 ".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"               \
	                 ".weak _.stapsdt.base\n"                                                                  \
	                 ".hidden _.stapsdt.base\n"                                                                \
	                 "_.stapsdt.base: .space 1\n"                                                              \
	                 ".size _.stapsdt.base, 1\n"                                                               \
	                 ".popsection\n"                                                                           \
	                 ".endif" ::__VA_ARGS__)

unsigned short work_semaphore __attribute__((section(".probes")));
uint32_t words[4] = {10, 20, 30, 40};

int main(void)
{
	volatile uint64_t big = UINT64_MAX;
	for (long i = 0; i < 3; i++) {
		if (work_semaphore)
			PROBE("work", "work_semaphore", "-4@%k0 8@%1 1@%b0 2@$-7 -2@$-7 4@words+4(%%rip) 4@(%2,%0,4)", "r"(-i), "m"(big), "r"(words + 3));
		PROBE("turn", "0", "8@%0", "r"(i));
	}
	double half = 0.5;
	PROBE("half", "0", "8f@%0", "x"(half));
	PROBE("bare", "0", "");
	PROBE("odd", "0", "8@what");
	pid_t child = fork();
	if (child == 0)
		_exit(work_semaphore);
	int status;
	waitpid(child, &status, 0);
	return WEXITSTATUS(status) * 16 + work_semaphore;
}
