// A call through a pointer to data, from a handler that runs because of a call
// through a null pointer.
#include <signal.h>

int data;
void (*volatile null)(void);
void (*volatile bad)(void) = (void (*)(void))&data;
volatile int sink;

static void handler(int sig) {
	bad();
	sink = sig;
}

int main(void) {
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_NODEFER};
	sigaction(SIGSEGV, &action, 0);
	null();
	return sink;
}
