// A server that answers each connection on its port, and crashes on some input.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void bug_server(const char *text) { *(volatile char *)(long)text[1] = 1; }

static void *later(void *text) {
	usleep(300000);
	bug_server(text);
	return NULL;
}

static void *housekeeping(void *unused) {
	for (;;)
		usleep(20000);
	return unused;
}

int main(int argc, char **argv) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (argc > 2 && daemon(1, 1) != 0) // by any option
		return 8;
	int on = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s, (struct sockaddr *)&address, sizeof address) != 0 || listen(s, 5) != 0) {
		perror("listen");
		return 9;
	}
	pthread_t other;
	pthread_create(&other, NULL, housekeeping, NULL);
	for (;;) {
		static char text[100];
		memset(text, 0, sizeof text);
		int c = accept(s, NULL, NULL);
		if (read(c, text, sizeof text - 1) > 0 && text[0] == 'S')
			bug_server(text);
		if (text[0] == 'L') { // late: the client has its answer
			close(c);
			for (volatile int i = 0; i < 20000000; i++)
				;
			bug_server(text);
		}
		if (text[0] == 'W') { // a thread is about it when the client has its answer
			pthread_create(&other, NULL, later, text);
			close(c);
			pause();
		}
		if (text[0] == 'Z') { // sleeps in the middle of its answer
			if (write(c, "wait\n", 5) == 5)
				usleep(1500000);
			bug_server(text);
		}
		if (text[0] == 'K') { // never closes
			if (write(c, "kept\n", 5) == 5)
				continue;
		}
		if (text[0] == 'E') // answers without end
			while (write(c, "on\n", 3) > 0)
				;
		if (text[0] == 'O')
			for (;;)
				on++;
		if (write(c, "ok\n", 3) < 0 || text[0] == 'q')
			return 0;
		close(c);
	}
}
