#pragma once
#include <openssl/async.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <stdint.h>

// Whether client certificates have been revoked. OpenSSL verifies a chain in the middle of a handshake; where responders have to be asked (OCSP), the
// handshake is left there (SSL_ERROR_WANT_ASYNC) and gone on with when there is a verdict. Nobody is asked about a chain that does not verify.

enum { SERVAL_STATUS_IDLE = 0, SERVAL_STATUS_WAITING = 1, SERVAL_STATUS_DECIDED = 2 };
// More than any verified chain has: the depth is limited to 100, and leaf and anchor come on top.
enum { SERVAL_LONGEST_CHAIN = 104 };

// What a connection's verification found out and waits for; it belongs to the connection, and must outlive its SSL.
typedef struct serval_revocation {
    // Settings: whether lists are consulted; whether what they leave open is decided from outside; whether a chain that was let pass although it does
    // not verify (optionalNoCA) is refused, because nobody could be asked about it.
    int has_lists;
    int asks;
    int refuses_unverified;
    // Decides at once, for verifications that cannot be left; sets state and verdict.
    void (*decide_now)(struct serval_revocation *revocation);
    void *owner;
    // The callback that judges everything else.
    X509_STORE_CTX_verify_cb otherwise;

    int state;
    // X509_V_OK, or the error that the verification fails with.
    int verdict;
    // By position in the chain, leaf first: 0 if a current list says that the certificate is not revoked, else why there is no such proof (X509_V_ERR_…).
    int list_errors[SERVAL_LONGEST_CHAIN];
    // Whether the callback that judges everything else has let pass what does not verify.
    int is_forgiven;
    // The position of the certificate that a list has refused, or -1.
    int refused;
    // While WAITING: the verified chain, leaf first, anchor last. After a refusal by a list: what there is of it.
    STACK_OF(X509) *chain;
} serval_revocation;

// Has verifications of client certificates of the context done by `serval_verify`, with what `serval_set_revocation` gave the connection; without that
// they fail.
int serval_ctx_check_revocation(SSL_CTX *context);
int serval_set_revocation(SSL *ssl, serval_revocation *revocation);

enum { SERVAL_REFUSED = 0, SERVAL_VERIFIED = 1, SERVAL_LET_PASS = 2 };

// X509_verify_cert, with the lists' findings in `revocation`; asks nobody. SERVAL_LET_PASS if a callback let pass what does not verify.
int serval_verify(X509_STORE_CTX *check, serval_revocation *revocation);

// Gives back what a verification left.
void serval_revocation_clear(serval_revocation *revocation);

// Seconds since 1970; 0 if the time is missing or broken.
int64_t serval_seconds(const ASN1_TIME *time);

// Whether the certificate demands a stapled answer (RFC 7633).
int serval_must_staple(X509 *certificate);

// The answer to a client's status_request; OpenSSL frees a copy of it.
int serval_set_staple(SSL *ssl, const uint8_t *answer, size_t length);

enum { SERVAL_NOT_SIGNED = 0, SERVAL_SIGNED = 1, SERVAL_OTHER_KEY = 2 };

// Whether an authority of the list's issuer's name has signed the list; SERVAL_OTHER_KEY if it has not, and the list says that it is signed with another key.
int serval_crl_is_signed_by(X509_CRL *list, X509 *issuer);

// A store in which `anchor` alone is trusted, whether it signed itself or not.
X509_STORE *serval_store_of(X509 *anchor);

// OpenSSL's macros as functions.
static inline int serval_string_count(const STACK_OF(OPENSSL_STRING) *s) { return s == NULL ? 0 : sk_OPENSSL_STRING_num(s); }
static inline const char *serval_string_at(const STACK_OF(OPENSSL_STRING) *s, int i) { return sk_OPENSSL_STRING_value(s, i); }
static inline int serval_print_name(BIO *to, const X509_NAME *name) { return X509_NAME_print_ex(to, name, 0, XN_FLAG_RFC2253); }
typedef int (*serval_status_callback)(SSL *, void *);
static inline void serval_ctx_set_status_callback(SSL_CTX *c, serval_status_callback callback, void *argument) {
    SSL_CTX_set_tlsext_status_cb(c, callback);
    SSL_CTX_set_tlsext_status_arg(c, argument);
}
