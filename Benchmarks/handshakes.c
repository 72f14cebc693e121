/*
 * Opens TLS connections to 127.0.0.1 and counts them. bench.py compiles and runs it.
 *
 *   handshakes full    PORT PATH SECONDS THREADS    a new session on every connection, TLS 1.3
 *   handshakes resumed PORT PATH SECONDS THREADS    every connection resumes the newest session of its thread, TLS 1.3
 *   handshakes full12|resumed12 …                   the same with TLS 1.2
 *   handshakes idle    PORT PATH COUNT   0          opens COUNT connections with one request on each, prints a line,
 *                                                   and holds them until standard input ends
 *
 * Each connection of the first modes is: connect, handshake, one GET with "Connection: close", read to the end.
 * The certificate is not verified (it is made for the run). Prints one line of JSON; exits 1 when nothing worked.
 *
 * Made for OpenSSL and for BoringSSL, whose client makes nearly twice as many handshakes on the same core. Ratios between
 * servers differ with the client, so only runs of the same one can be compared.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST_SAMPLES 200000
#define MOST_THREADS 64
#define MOST_FAILURES 100

struct work {
    SSL_CTX *context;
    int port;
    const char *path;
    double until;
    bool resume;
    SSL_SESSION *session; /* the newest one this thread was given */
    long done, reused, failed;
    float *samples; /* milliseconds from connect to the end of the handshake */
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* OpenSSL calls this for each ticket or session; returning 1 keeps the reference. */
static int keep_session(SSL *ssl, SSL_SESSION *session) {
    struct work *work = SSL_get_app_data(ssl);
    if (work == NULL || !work->resume) return 0;
    SSL_SESSION_free(work->session);
    work->session = session;
    return 1;
}

static int connect_to(int port) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0) return -1;
    struct timeval limit = {.tv_sec = 10};
    int one = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* Ends the connection with a reset, so that thousands a second do not use up the local ports. */
static void drop(int descriptor) {
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(descriptor);
}

static bool one_connection(struct work *work) {
    double start = now();
    int descriptor = connect_to(work->port);
    if (descriptor < 0) return false;
    bool good = false, reused = false;
    SSL *ssl = SSL_new(work->context);
    SSL_set_app_data(ssl, (char *)work);
    SSL_set_tlsext_host_name(ssl, "localhost");
    SSL_set_fd(ssl, descriptor);
    if (work->resume && work->session != NULL) SSL_set_session(ssl, work->session);
    if (SSL_connect(ssl) == 1) {
        double shaken = now();
        char buffer[16384];
        int length = snprintf(buffer, sizeof buffer, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", work->path);
        if (SSL_write(ssl, buffer, length) == length) {
            int count = SSL_read(ssl, buffer, sizeof buffer);
            good = count > 12 && memcmp(buffer, "HTTP/1.1 200", 12) == 0;
            while (count > 0) count = SSL_read(ssl, buffer, sizeof buffer);
        }
        reused = SSL_session_reused(ssl) == 1;
        if (good) {
            if (work->samples != NULL && work->done < MOST_SAMPLES) work->samples[work->done] = (float)((shaken - start) * 1000);
            SSL_shutdown(ssl);
        }
    }
    ERR_clear_error();
    SSL_free(ssl);
    drop(descriptor);
    if (good) {
        work->done++;
        if (reused) work->reused++;
    }
    return good;
}

static void *run(void *argument) {
    struct work *work = argument;
    while (now() < work->until && work->failed < MOST_FAILURES) {
        if (!one_connection(work)) work->failed++;
    }
    return NULL;
}

static int compare(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static int measure(SSL_CTX *context, int port, const char *path, bool resume, double seconds, int threads) {
    struct work works[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    memset(works, 0, sizeof works);
    for (int i = 0; i < threads; i++) {
        works[i] = (struct work){.context = context, .port = port, .path = path, .resume = resume};
        /* The first connection of a thread brings its session and is not counted. */
        if (!one_connection(&works[i])) {
            fprintf(stderr, "handshakes: no answer with status 200 from port %d\n", port);
            return 1;
        }
        works[i].done = works[i].reused = 0;
        works[i].samples = calloc(MOST_SAMPLES, sizeof(float));
        if (works[i].samples == NULL) return 1;
    }
    double start = now();
    for (int i = 0; i < threads; i++) {
        works[i].until = start + seconds;
        pthread_create(&ids[i], NULL, run, &works[i]);
    }
    long done = 0, reused = 0, failed = 0, kept = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        done += works[i].done;
        reused += works[i].reused;
        failed += works[i].failed;
    }
    double elapsed = now() - start;
    float *samples = calloc((size_t)done + 1, sizeof(float));
    if (samples == NULL) return 1;
    for (int i = 0; i < threads; i++) {
        long count = works[i].done < MOST_SAMPLES ? works[i].done : MOST_SAMPLES;
        memcpy(samples + kept, works[i].samples, (size_t)count * sizeof(float));
        kept += count;
        free(works[i].samples);
        SSL_SESSION_free(works[i].session);
    }
    qsort(samples, (size_t)kept, sizeof(float), compare);
    printf("{\"done\": %ld, \"reused\": %ld, \"failed\": %ld, \"seconds\": %.4f, \"p50\": %.3f, \"p99\": %.3f}\n", done, reused, failed, elapsed,
           kept > 0 ? (double)samples[kept / 2] : 0, kept > 0 ? (double)samples[kept * 99 / 100] : 0);
    free(samples);
    return done > 0 ? 0 : 1;
}

static int hold(SSL_CTX *context, int port, const char *path, int count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    int open = 0;
    for (int i = 0; i < count; i++) {
        int descriptor = connect_to(port);
        if (descriptor < 0) break;
        SSL *ssl = SSL_new(context);
        SSL_set_tlsext_host_name(ssl, "localhost");
        SSL_set_fd(ssl, descriptor);
        char buffer[16384];
        int length = snprintf(buffer, sizeof buffer, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
        if (SSL_connect(ssl) != 1 || SSL_write(ssl, buffer, length) != length) break;
        int got = SSL_read(ssl, buffer, sizeof buffer);
        if (got <= 12 || memcmp(buffer, "HTTP/1.1 200", 12) != 0) break;
        open++; /* left open; the end of the process closes them */
    }
    printf("{\"open\": %d}\n", open);
    fflush(stdout);
    while (getchar() != EOF) {}
    return open == count ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: handshakes full|resumed|full12|resumed12|idle PORT PATH SECONDS|COUNT THREADS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    const char *mode = argv[1];
    int port = atoi(argv[2]);
    double amount = atof(argv[4]);
    int threads = atoi(argv[5]);
    if (threads > MOST_THREADS) threads = MOST_THREADS;

    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) return 1;
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
#ifndef OPENSSL_IS_BORINGSSL
    /* Servers that close with a reset or without a close_notify have answered all the same. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    bool old = strstr(mode, "12") != NULL;
    SSL_CTX_set_min_proto_version(context, old ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(context, old ? TLS1_2_VERSION : TLS1_3_VERSION);
#ifndef OPENSSL_IS_BORINGSSL
    /* In the order of browsers where the processor has AES; OpenSSL's own prefers AES-256, and with it SHA-384 for everything in the handshake. */
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
#endif
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);

    int result;
    if (strcmp(mode, "idle") == 0) {
        result = hold(context, port, argv[3], (int)amount);
    } else {
        result = measure(context, port, argv[3], strncmp(mode, "resumed", 7) == 0, amount, threads < 1 ? 1 : threads);
    }
    SSL_CTX_free(context);
    return result;
}
