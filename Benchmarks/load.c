/*
 * Puts a TLS server on 127.0.0.1 under load of every kind, and counts what goes wrong. soak.py compiles and runs it.
 *
 *   load PORT FOLDER COUNT THREADS    COUNT handshakes, or 0: until standard input ends
 *
 * FOLDER has ca.pem, client.pem (key and certificate of a client that the host clients.test trusts) and stranger.pem (one that it does not).
 * Handshakes are full and resumed, TLS 1.2 and 1.3, without and with client certificates, each with one request or twenty; and some that clients break off,
 * or that the server has to refuse. Server certificates are verified. Prints one line of JSON at the end; exits 1 if a request failed that should not, or
 * worked that should not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MOST_THREADS 32
#define MOST_COMPLAINTS 20
#define KEPT_ALIVE 20

enum version { TLS12, TLS13 };
enum identity { NOBODY, CLIENT, STRANGER };

static int port;
static const char *folder;
static SSL_CTX *contexts[2][3];
static SSL_CTX *odd[4]; /* TLS 1.1, no shared cipher, nobody trusted (1.2, 1.3) */
static atomic_long left, requests, full, resumed, aborted, refused, wrong, complaints;
static atomic_bool stop;

/* The newest session of a thread for each kind of connection. */
struct thread {
    pthread_t id;
    unsigned number;
    SSL_SESSION *sessions[2][2];
};

static void complain(const char *what, const char *why) {
    atomic_fetch_add(&wrong, 1);
    if (atomic_fetch_add(&complaints, 1) >= MOST_COMPLAINTS) return;
    unsigned long code = ERR_peek_last_error();
    fprintf(stderr, "load: %s: %s (%s, %s)\n", what, why, code != 0 ? ERR_reason_error_string(code) : "no TLS error", strerror(errno));
}

static int keep_session(SSL *ssl, SSL_SESSION *session) {
    SSL_SESSION **place = SSL_get_app_data(ssl);
    if (place == NULL) return 0;
    SSL_SESSION_free(*place);
    *place = session;
    return 1;
}

static int connect_to_server(void) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0) return -1;
    struct timeval limit = {.tv_sec = 30};
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

/* Ends the connection with a reset, so that hundreds of thousands do not use up the local ports. */
static void drop(int descriptor) {
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(descriptor);
}

static SSL *client(SSL_CTX *context, int descriptor, bool certified, SSL_SESSION **place) {
    SSL *ssl = SSL_new(context);
    SSL_set_app_data(ssl, (char *)place);
    SSL_set_tlsext_host_name(ssl, certified ? "clients.test" : "localhost");
    SSL_set_fd(ssl, descriptor);
    return ssl;
}

/* One request with its whole answer; false if it is anything but 200. */
static bool ask(SSL *ssl, const char *host, bool is_last) {
    char buffer[4096];
    int length = snprintf(buffer, sizeof buffer, "GET /examples/plain HTTP/1.1\r\nHost: %s\r\n%s\r\n", host, is_last ? "Connection: close\r\n" : "");
    if (SSL_write(ssl, buffer, length) != length) return false;
    int count = 0;
    buffer[0] = 0;
    while (strstr(buffer, "Hello, world!") == NULL) {
        int got = SSL_read(ssl, buffer + count, (int)sizeof buffer - 1 - count);
        if (got <= 0) return false;
        count += got;
        buffer[count] = 0;
    }
    return strncmp(buffer, "HTTP/1.1 200", 12) == 0;
}

static void good(struct thread *thread, enum version version, enum identity identity, bool resumes, int count) {
    static const char *names[2][3] = {{"TLS 1.2", "TLS 1.2, client certificate", ""}, {"TLS 1.3", "TLS 1.3, client certificate", ""}};
    const char *what = names[version][identity];
    int descriptor = connect_to_server();
    if (descriptor < 0) return complain(what, "no connection");
    SSL_SESSION **place = &thread->sessions[version][identity];
    SSL *ssl = client(contexts[version][identity], descriptor, identity == CLIENT, place);
    if (resumes && *place != NULL) SSL_set_session(ssl, *place);
    if (SSL_connect(ssl) != 1) {
        complain(what, "handshake failed");
    } else {
        atomic_fetch_add(SSL_session_reused(ssl) ? &resumed : &full, 1);
        for (int i = 1; i <= count; i++) {
            if (!ask(ssl, identity == CLIENT ? "clients.test" : "localhost", i == count)) {
                complain(what, "request failed");
                break;
            }
            atomic_fetch_add(&requests, 1);
        }
        SSL_shutdown(ssl);
    }
    ERR_clear_error();
    SSL_free(ssl);
    drop(descriptor);
}

/* Goes away before the handshake is done: at once, in the middle of the ClientHello, after it, or after the server's answer. */
static void broken_off(unsigned kind) {
    int descriptor = connect_to_server();
    if (descriptor < 0) return complain("broken off", "no connection");
    SSL *ssl = SSL_new(contexts[kind & 1][NOBODY]);
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_set_tlsext_host_name(ssl, "localhost");
    SSL_set_connect_state(ssl);
    SSL_do_handshake(ssl);
    char *hello;
    long length = BIO_get_mem_data(out, &hello);
    unsigned depth = kind / 2 % 4;
    if (depth == 1) length /= 2;
    char answer[4096];
    if (depth > 0 && send(descriptor, hello, (size_t)length, MSG_NOSIGNAL) == length && depth == 3) recv(descriptor, answer, sizeof answer, 0);
    atomic_fetch_add(&aborted, 1);
    ERR_clear_error();
    SSL_free(ssl);
    drop(descriptor);
}

/* What the server has to refuse. */
static void bad(unsigned kind) {
    int descriptor = connect_to_server();
    if (descriptor < 0) return complain("refused", "no connection");
    kind %= 10;
    bool worked = false;
    char buffer[512];
    if (kind >= 8) {
        const char *text = kind == 8 ? "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" : "\1\2\3\4 this is not TLS, and nobody will take it for that";
        send(descriptor, text, strlen(text), MSG_NOSIGNAL);
        while (recv(descriptor, buffer, sizeof buffer, 0) > 0) {}
    } else {
        SSL_CTX *context = kind < 4 ? odd[kind] : contexts[kind & 1][kind < 6 ? NOBODY : STRANGER];
        SSL *ssl = client(context, descriptor, kind >= 4, NULL);
        worked = SSL_connect(ssl) == 1 && ask(ssl, "clients.test", true);
        ERR_clear_error();
        SSL_free(ssl);
    }
    if (worked) complain("refused", "was not refused");
    atomic_fetch_add(&refused, 1);
    drop(descriptor);
}

static void *run(void *argument) {
    struct thread *thread = argument;
    for (unsigned i = thread->number * 7; !atomic_load(&stop); i++) {
        if (atomic_fetch_sub(&left, 1) <= 0) break;
        enum version version = i & 1 ? TLS13 : TLS12;
        switch (i / 2 % 10) {
        case 0: case 1: case 2: good(thread, version, NOBODY, false, 1); break;
        case 3: case 4: good(thread, version, NOBODY, true, 1); break;
        case 5: good(thread, version, CLIENT, false, 1); break;
        case 6: good(thread, version, CLIENT, true, 1); break;
        case 7: good(thread, version, NOBODY, true, KEPT_ALIVE); break;
        case 8: broken_off(i / 20 * 2 + (i & 1)); break;
        case 9: bad(i / 20 * 2 + (i & 1)); break;
        }
    }
    for (int version = 0; version < 2; version++)
        for (int identity = 0; identity < 2; identity++) SSL_SESSION_free(thread->sessions[version][identity]);
    return NULL;
}

static void *wait_for_end(void *nothing) {
    while (getchar() != EOF) {}
    atomic_store(&stop, true);
    return nothing;
}

static SSL_CTX *make(enum version version, const char *identity, bool trusts) {
    char path[4096];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) exit(2);
    int number = version == TLS12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(context, number);
    SSL_CTX_set_max_proto_version(context, number);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    bool worked = !trusts || SSL_CTX_load_verify_locations(context, path, NULL) == 1;
    if (identity != NULL) {
        snprintf(path, sizeof path, "%s/%s.pem", folder, identity);
        worked = worked && SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM) == 1
            && SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1;
    }
    if (!worked) {
        fprintf(stderr, "load: cannot read %s\n", path);
        exit(2);
    }
    return context;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: load PORT FOLDER COUNT|0 THREADS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    port = atoi(argv[1]);
    folder = argv[2];
    long count = atol(argv[3]);
    int threads = atoi(argv[4]) < 1 ? 1 : atoi(argv[4]) > MOST_THREADS ? MOST_THREADS : atoi(argv[4]);
    atomic_store(&left, count > 0 ? count : 1L << 60);
    for (int version = 0; version < 2; version++) {
        contexts[version][NOBODY] = make(version, NULL, true);
        contexts[version][CLIENT] = make(version, "client", true);
        contexts[version][STRANGER] = make(version, "stranger", true);
        odd[2 + version] = make(version, NULL, false);
    }
    odd[0] = make(TLS12, NULL, true);
    SSL_CTX_set_security_level(odd[0], 0);
    SSL_CTX_set_min_proto_version(odd[0], TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(odd[0], TLS1_1_VERSION);
    odd[1] = make(TLS12, NULL, true);
    SSL_CTX_set_cipher_list(odd[1], "AES128-SHA");

    pthread_t waiter;
    if (count <= 0 && pthread_create(&waiter, NULL, wait_for_end, NULL) != 0) return 2;
    struct thread all[MOST_THREADS];
    memset(all, 0, sizeof all);
    for (int i = 0; i < threads; i++) {
        all[i].number = (unsigned)i;
        if (pthread_create(&all[i].id, NULL, run, &all[i]) != 0) return 2;
    }
    for (int i = 0; i < threads; i++) pthread_join(all[i].id, NULL);
    printf("{\"requests\": %ld, \"full\": %ld, \"resumed\": %ld, \"aborted\": %ld, \"refused\": %ld, \"wrong\": %ld}\n", atomic_load(&requests),
           atomic_load(&full), atomic_load(&resumed), atomic_load(&aborted), atomic_load(&refused), atomic_load(&wrong));
    return atomic_load(&wrong) == 0 ? 0 : 1;
}
