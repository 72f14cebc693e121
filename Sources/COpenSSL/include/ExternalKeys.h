#pragma once
#include <openssl/async.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stddef.h>

// Keys that sign elsewhere. OpenSSL asks for a signature in the middle of a handshake; the handshake runs as an asynchronous job (SSL_MODE_ASYNC), so
// that it can be left there (SSL_ERROR_WANT_ASYNC) and gone on with when the signature has come.

enum { SERVAL_RSA_PKCS1 = 0, SERVAL_RSA_RAW = 1, SERVAL_ECDSA = 2 };
enum { SERVAL_SIGNING_IDLE = 0, SERVAL_SIGNING_WAITING = 1, SERVAL_SIGNING_DONE = 2, SERVAL_SIGNING_FAILED = 3 };

// What a connection's handshake waits for; it belongs to the connection, and must outlive its SSL.
typedef struct serval_signing {
    int state;
    int operation;
    // The number that the key was made with.
    size_t key;
    size_t input_length;
    size_t output_length;
    unsigned char input[2048];
    unsigned char output[2048];
} serval_signing;

// A private key for the public key of `certificate` that signs elsewhere; NULL if it is neither RSA nor EC. `key` comes back in `serval_signing`.
EVP_PKEY *serval_external_key(X509 *certificate, size_t key);

// SSL_do_handshake for a context with such keys. `signing` is what signatures asked for meanwhile are put into.
int serval_handshake(SSL *ssl, serval_signing *signing);

// Lets handshakes of the context be left, and, when that is over, a connection's reads and writes not pay for it.
static inline void serval_ctx_allow_leaving(SSL_CTX *c) { SSL_CTX_set_mode(c, SSL_MODE_ASYNC); }
static inline void serval_forbid_leaving(SSL *ssl) { SSL_clear_mode(ssl, SSL_MODE_ASYNC); }
