#pragma once
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <stdint.h>

// What a connection's BIO reads from and writes to. The windows belong to the caller and are set for the duration of one call into OpenSSL; what does
// not fit into the output window goes to `spill`, which belongs to this structure.
typedef struct serval_io {
    const uint8_t *in;
    size_t in_length;
    uint8_t *out;
    size_t out_capacity;
    size_t out_length;
    uint8_t *spill;
    size_t spill_length;
    size_t spill_capacity;
    // The last fatal alert or warning of the handshake in each direction, plus one; 0 for none.
    uint16_t alert_sent;
    uint16_t alert_received;
    // The certificate for whose sake the client's chain was refused, or NULL; its place in the chain, and whether it is one of the trusted ones.
    X509 *refused;
    int refused_depth;
    int refused_is_trusted;
} serval_io;

// An SSL over `io`, waiting for a client; NULL when memory is short. `io` must outlive it.
SSL *serval_ssl_new(SSL_CTX *context, serval_io *io);
void serval_io_free_spill(serval_io *io);

// Has the connections of a context note their alerts in their serval_io.
void serval_ctx_note_alerts(SSL_CTX *context);

// Has the connections of a context note which certificate a client's chain was refused for.
void serval_ctx_note_refusals(SSL_CTX *context);
// The same at the end of a verification of one's own.
void serval_note_refusal(X509_STORE_CTX *check);

// Whether connections of a context may speak a version.
static inline int serval_ctx_speaks(SSL_CTX *c, int version) {
    uint64_t off = version == TLS1_VERSION ? SSL_OP_NO_TLSv1 : version == TLS1_1_VERSION ? SSL_OP_NO_TLSv1_1 : version == TLS1_2_VERSION ? SSL_OP_NO_TLSv1_2 : SSL_OP_NO_TLSv1_3;
    long lowest = SSL_CTX_get_min_proto_version(c), highest = SSL_CTX_get_max_proto_version(c);
    return (SSL_CTX_get_options(c) & off) == 0 && version >= lowest && (highest == 0 || version <= highest);
}

// The first flight of a client with a context's settings, in records; how many bytes of it were written, 0 for none. OpenSSL has no way to ask a context for
// its groups, and a ClientHello tells them.
size_t serval_ctx_hello(SSL_CTX *context, uint8_t *out, size_t capacity);

// Whether SHA-256, as everything that is fetched without special wishes, comes from the provider "fips".
int serval_uses_fips_provider(void);

// OpenSSL's macros as functions.
static inline long serval_ctx_set_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_mode(c, mode); }
static inline int serval_ctx_set_versions(SSL_CTX *c, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(c, lowest) && SSL_CTX_set_max_proto_version(c, highest);
}
// Sessions come from and go to the context's callbacks only.
static inline void serval_ctx_use_own_cache(SSL_CTX *c) {
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
}
static inline int serval_ctx_set_groups(SSL_CTX *c, const char *list) { return SSL_CTX_set1_groups_list(c, list) == 1; }
static inline void serval_ctx_set_dh_auto(SSL_CTX *c, int on) { SSL_CTX_set_dh_auto(c, on); }
static inline void serval_ctx_set_max_cert_list(SSL_CTX *c, long bytes) { SSL_CTX_set_max_cert_list(c, bytes); }
static inline int serval_ssl_set_version(SSL *s, int version) {
    return SSL_set_min_proto_version(s, version) && SSL_set_max_proto_version(s, version);
}
static inline uint64_t serval_op_unsafe_legacy_renegotiation(void) { return SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION; }
static inline uint64_t serval_op_no_tlsv1_1(void) { return SSL_OP_NO_TLSv1_1; }
static inline uint64_t serval_op_no_tlsv1_2(void) { return SSL_OP_NO_TLSv1_2; }
static inline uint64_t serval_op_no_ticket(void) { return SSL_OP_NO_TICKET; }
static inline uint64_t serval_op_no_compression(void) { return SSL_OP_NO_COMPRESSION; }
static inline uint64_t serval_op_no_renegotiation(void) { return SSL_OP_NO_RENEGOTIATION; }
static inline uint64_t serval_op_server_preference(void) { return SSL_OP_CIPHER_SERVER_PREFERENCE; }
static inline uint64_t serval_op_prioritize_chacha(void) { return SSL_OP_PRIORITIZE_CHACHA; }
static inline int serval_cert_count(const STACK_OF(X509) *s) { return s == NULL ? 0 : sk_X509_num(s); }
static inline X509 *serval_cert_at(const STACK_OF(X509) *s, int i) { return sk_X509_value(s, i); }
static inline STACK_OF(X509) *serval_certs_new(void) { return sk_X509_new_null(); }
static inline int serval_certs_push(STACK_OF(X509) *s, X509 *x) { return X509_up_ref(x) && sk_X509_push(s, x) > 0; }
static inline void serval_certs_free(STACK_OF(X509) *s) { sk_X509_pop_free(s, X509_free); }
static inline int serval_cipher_count(const STACK_OF(SSL_CIPHER) *s) { return s == NULL ? 0 : sk_SSL_CIPHER_num(s); }
static inline void serval_ciphers_free(STACK_OF(SSL_CIPHER) *s) { sk_SSL_CIPHER_free(s); }
static inline const SSL_CIPHER *serval_cipher_at(const STACK_OF(SSL_CIPHER) *s, int i) { return sk_SSL_CIPHER_value(s, i); }
static inline long serval_set_server_name(SSL *s, const char *name) { return SSL_set_tlsext_host_name(s, name); }
static inline void serval_free(void *p) { OPENSSL_free(p); }
static inline int serval_error_reason(unsigned long e) { return ERR_GET_REASON(e); }
static inline int serval_error_library(unsigned long e) { return ERR_GET_LIB(e); }
static inline const char *serval_group_name(SSL *s) {
    int group = (int)SSL_get_negotiated_group(s);
    return group == 0 ? NULL : SSL_group_to_name(s, group);
}
