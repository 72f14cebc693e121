#define _GNU_SOURCE
#include "CPKCS11.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct thread_body {
    char name[16];
    void (*run)(void *);
    void *argument;
};

static void *thread_main(void *argument) {
    struct thread_body body = *(struct thread_body *)argument;
    free(argument);
#ifdef __APPLE__
    pthread_setname_np(body.name);
#else
    pthread_setname_np(pthread_self(), body.name);
#endif
    body.run(body.argument);
    return NULL;
}

int serval_start_thread(struct serval_thread *thread, const char *name, void (*run)(void *), void *argument) {
    struct thread_body *body = calloc(1, sizeof *body);
    if (body == NULL) return 0;
    for (size_t i = 0; i + 1 < sizeof body->name && name[i] != 0; i++) body->name[i] = name[i];
    body->run = run;
    body->argument = argument;
    pthread_attr_t attributes;
    int started = 0;
    if (pthread_attr_init(&attributes) == 0) {
        // Makers' modules talk to networks and parse: less than this would be a risk.
        pthread_attr_setstacksize(&attributes, 1 << 20);
        // Signals are for the program's own threads.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before);
        pthread_t created;
        started = pthread_create(&created, &attributes, thread_main, body) == 0;
        if (started) thread->handle = (void *)created;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
    }
    if (!started) free(body);
    return started;
}

int serval_join_thread(struct serval_thread thread, long long nanoseconds) {
#ifdef __linux__
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    nanoseconds += until.tv_nsec;
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    return pthread_timedjoin_np((pthread_t)thread.handle, NULL, &until) == 0;
#else
    (void)nanoseconds;
    return pthread_join((pthread_t)thread.handle, NULL) == 0;
#endif
}
