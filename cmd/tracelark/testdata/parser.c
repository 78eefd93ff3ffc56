// A parser of records, each a letter and its argument, with a bug for some letters.
// Each bug is in a function of its own. With CRASHES_ONLY it does no other harm.
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 16];
static const char *path;
static char *volatile nowhere = (char *)0x4141414141414141;
static void (*volatile handler)(void) = (void (*)(void))0x123456789000;

static void bug_store(int c) { nowhere[c] = 1; }

static int bug_load(int c) { return *(volatile int *)(long)c; }

static void bug_call(int c) {
	handler();
	nowhere[c] = 0;
}

static void bug_free(int c) {
	char *p = malloc(c + 1);
	free(p);
	free(p);
}

static int bug_divide(int c) { volatile int zero = 0; return 100 / (c * zero); }

static void bug_assert(int c) { assert(c < 0); }

static int bug_recurse(int c) {
	volatile char pad[4096];
	pad[0] = c;
	return bug_recurse(c + 1) + pad[0];
}

static void bug_smash(int c) {
	char word[16];
	memset(word, c, 200);
	__asm__ volatile("" : : "r"(word) : "memory");
}

static void *bug_thread(void *arg) {
	nowhere[0] = (long)arg;
	return NULL;
}

static void bug_child(int c) {
	if (fork() == 0)
		nowhere[1] = c;
	wait(NULL);
}

static void bug_loop(int c) {
	volatile int i = c;
	for (;;)
		i++;
}

static void bug_wait(int c) {
	int ends[2];
	if (pipe(ends) == 0)
		c = read(ends[0], &c, 1);
}

static void bug_fill(int c) {
	for (;;)
		memset(malloc(1 << 20), c, 1 << 20);
}

static int flaky(int c) {
	// Half of all processes have such an ID.
	if (getpid() % 2 == 0)
		nowhere[2] = c;
	return c;
}

static int record(int kind, int c) {
	pthread_t thread;
	switch (kind) {
	case 'S': bug_store(c); break;
	case 'L': return bug_load(c);
	case 'C': bug_call(c); break;
	case 'F': bug_free(c); break;
	case 'D': return bug_divide(c);
	case 'A': bug_assert(c); break;
	case 'R': return bug_recurse(c);
	case 'M': bug_smash(c); break;
	case 'T':
		pthread_create(&thread, NULL, bug_thread, text);
		pthread_join(thread, NULL);
		break;
	case 'K': bug_child(c); break;
#ifndef CRASHES_ONLY
	case 'O': bug_loop(c); break;
	case 'W': bug_wait(c); break;
	case 'X': bug_fill(c); break;
	case 'Y': return flaky(c);
	case 'P': raise(SIGTERM); break;
	case 'B':
		for (int i = 0; i < 20; i++)
			if (fork() == 0) {
				setsid();
				pause();
			}
		break;
	case 'U': // the input, and the folder that the debugger has made for it
		unlink(path);
		if (path && strstr(path, "/tracelark-")) {
			char command[512];
			snprintf(command, sizeof command, "rm -r '%.*s'", (int)(strrchr(path, '/') - path), path);
			system(command);
		}
		break;
	case 'V':
		if (open("/dev/tty", O_RDWR) >= 0)
			nowhere[3] = c; // there is a terminal to change
		break;
	case 'I':
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
#endif
	}
	return 0;
}

// The input is a file that is named, a variable, an argument behind a dash, or standard
// input.
static size_t load(int argc, char **argv) {
	if (getenv("PARSER_INPUT"))
		return strlen(strncpy(text, getenv("PARSER_INPUT"), sizeof text - 1));
	if (argc > 2 && strcmp(argv[1], "-") == 0)
		return strlen(strncpy(text, argv[2], sizeof text - 1));
	path = argc > 1 ? argv[1] : "/dev/null/none";
	int fd = argc > 1 ? open(path, O_RDONLY) : 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	return n < 0 ? 0 : n;
}

int main(int argc, char **argv) {
	size_t n = load(argc, argv);
	int sum = 0;
	fprintf(stderr, "</pre><script>document.title = 'injected'</script> `| %zu\n", n);
	for (size_t i = 0; i + 1 < n; i += 2)
		if (text[i] != '#')
			sum += record(text[i], (unsigned char)text[i + 1]);
	return sum & 1;
}
