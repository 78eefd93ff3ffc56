// cc -g -O0 -pthread waiting.c
//
// Threads that wait for ever, each in its own way, while main holds what they want.
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, own = PTHREAD_MUTEX_INITIALIZER, idle = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t orphan = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static sem_t tokens;
static pthread_t first;
static int gate[2];

static void *name(const char *text) { pthread_setname_np(pthread_self(), text); return NULL; }

static void *locks(void *p) { name("locks"); pthread_mutex_lock(&lock); return p; }
static void *reads(void *p) { name("reads"); pthread_rwlock_rdlock(&table); return p; }
static void *writes(void *p) { name("writes"); pthread_rwlock_wrlock(&table); return p; }
static void *hears(void *p) { name("hears"); pthread_mutex_lock(&idle); pthread_cond_wait(&news, &idle); return p; }
static void *takes(void *p) { name("takes"); sem_wait(&tokens); return p; }
static void *joins(void *p) { name("joins"); pthread_join(first, NULL); return p; }
static void *itself(void *p) { name("itself"); pthread_mutex_lock(&own); pthread_mutex_lock(&own); return p; }
static void *leaves(void *p) { pthread_mutex_lock(&orphan); return p; }
static void *inherits(void *p) { name("inherits"); pthread_mutex_lock(&orphan); return p; }
static void *polls(void *p) { int fd = epoll_create1(0); name("polls"); for (;;) epoll_wait(fd, &(struct epoll_event){}, 1, -1); return p; }
static void *spins(void *p) { name("spins"); for (;;) ; return p; }

int main(void)
{
	void *(*work[])(void *) = {locks, reads, writes, hears, takes, joins, itself, inherits, polls, spins};
	pthread_t thread;
	char c;

	pthread_mutex_lock(&lock);
	pthread_rwlock_wrlock(&table);
	sem_init(&tokens, 0, 0);
	pthread_create(&thread, NULL, leaves, NULL);
	pthread_join(thread, NULL);
	for (int i = 0; i < 10; i++) {
		pthread_create(&thread, NULL, work[i], NULL);
		if (i == 0)
			first = thread;
	}
	if (pipe(gate))
		return 1;
	return read(gate[0], &c, 1);
}
