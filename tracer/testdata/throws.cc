// Ways out of functions by exceptions: the marks in comments name the lines.
#include <cstdlib>
#include <pthread.h>

volatile int count;

extern "C" int compare(const void *, const void *)
{
	throw 3; // through C
}

__attribute__((noinline)) void raise_it(int n)
{
	if (n)
		throw n; // throws
	count++;
}

struct guard {
	~guard() { count += 100; } // destructor
};

__attribute__((noinline)) void middle(int n)
{
	raise_it(n); // in middle
	count++;
}

__attribute__((noinline)) void rethrows(int n)
{
	try {
		middle(n); // tries to rethrow
	} catch (int) { // catches to rethrow
		count += 2; // caught to rethrow
		throw; // rethrows
	}
}

__attribute__((noinline)) void contained(int n)
{
	try {
		middle(n);
	} catch (int) {
		count += 4;
	}
}

static void *work(void *)
{
	try {
		middle(1); // in a thread
	} catch (int) { // caught in a thread
		count++; // behind it in a thread
	}
	return nullptr;
}

static void *catcher(void *)
{
	for (int i = 0; i < 200; i++)
		contained(1);
	return nullptr;
}

int main(int argc, char **)
{
	pthread_t other;
	pthread_create(&other, nullptr, catcher, nullptr);
	try {
		middle(1); // first
	} catch (int) { // catches first
		count++; // caught first
	}
	contained(2); // contained
	try {
		rethrows(3); // second
	} catch (int) { // catches second
		count++; // caught second
	}
	int array[2] = {2, 1};
	try {
		qsort(array, 2, sizeof *array, compare); // third
	} catch (int) { // catches third
		count++; // caught third
	}
	try {
		throw 'x'; // fourth
	} catch (char) { // catches fourth
		count++; // caught fourth
	}
	pthread_t t;
	pthread_create(&t, nullptr, work, nullptr);
	pthread_join(t, nullptr); // joins
	return argc;
}
