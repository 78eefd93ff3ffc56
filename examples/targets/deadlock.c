// cc -g -O0 -pthread deadlock.c
//
// Two threads transfer money between two accounts, each in its own direction. Each holds
// the account that the other one wants.

#define _GNU_SOURCE
#include <pthread.h>

struct account {
	pthread_mutex_t lock;
	long balance;
};

static struct account alice = {PTHREAD_MUTEX_INITIALIZER, 100}, bob = {PTHREAD_MUTEX_INITIALIZER, 100};
static pthread_barrier_t both;

static void transfer(struct account *from, struct account *to, long amount)
{
	pthread_mutex_lock(&from->lock);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&to->lock);
	from->balance -= amount;
	to->balance += amount;
	pthread_mutex_unlock(&to->lock);
	pthread_mutex_unlock(&from->lock);
}

static void *back(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "back");
	transfer(&bob, &alice, 20);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_barrier_init(&both, NULL, 2);
	if (pthread_create(&thread, NULL, back, NULL))
		return 1;
	transfer(&alice, &bob, 10);
	return pthread_join(thread, NULL);
}
