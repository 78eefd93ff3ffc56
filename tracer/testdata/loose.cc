// Has methods of which one goes by the name of a function of libc.
#include <unistd.h>

struct Log {
	int lines = 0;
	void write() { lines++; }
	void flush() { lines = 0; }
};

int main() {
	Log log;
	log.write();
	log.flush();
	return write(1, "", 0) == 0 ? 0 : 1;
}
