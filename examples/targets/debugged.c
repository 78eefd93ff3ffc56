// cc -g -O0 debugged.c
//
// Says whether it is debugged, by two of the usual ways to find out.

#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>

// tracer returns what /proc says about who traces this process.
static int tracer(void)
{
	char line[256];
	int pid = -1;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "TracerPid: %d", &pid);
	if (f)
		fclose(f);
	return pid;
}

int main(void)
{
	int traced = tracer() != 0;
	int refused = ptrace(PTRACE_TRACEME, 0, 0, 0) < 0;
	puts(traced || refused ? "a debugger watches" : "nobody watches");
	return traced || refused;
}
