#pragma once
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <stdint.h>

// Sets a session ticket's cipher (AES-256-CBC) and code (HMAC-SHA-256, RFC 5077 section 4) up. Returns 1 when done.
static inline int serval_ticket_keys(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const uint8_t cipher_key[32], const uint8_t mac_key[32], const uint8_t iv[16],
                                     int encrypts) {
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)mac_key, 32),
                               OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, cipher_key, iv, encrypts) == 1 && EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// What a connection has seen of an authentication after the handshake; it must outlive the connection's SSL.
typedef struct serval_late_authentication {
    int is_finished;
} serval_late_authentication;

static inline void serval_note_message(int is_written, int version, int type, const void *bytes, size_t length, SSL *ssl, void *argument) {
    (void)version, (void)ssl;
    serval_late_authentication *state = argument;
    if (!is_written && type == SSL3_RT_HANDSHAKE && length > 0 && ((const uint8_t *)bytes)[0] == SSL3_MT_FINISHED) state->is_finished = 1;
}

// Asks the client of an open TLS 1.3 connection for a certificate, which it need not have. Returns 1 when SSL_do_handshake will send the question; 0 if the
// client did not offer to be asked.
static inline int serval_begin_late_authentication(SSL *ssl, serval_late_authentication *state) {
    state->is_finished = 0;
    SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE, NULL);
    SSL_set_msg_callback(ssl, serval_note_message);
    SSL_set_msg_callback_arg(ssl, state);
    return SSL_verify_client_post_handshake(ssl) == 1;
}

static inline void serval_end_late_authentication(SSL *ssl) {
    SSL_set_msg_callback(ssl, NULL);
    SSL_set_msg_callback_arg(ssl, NULL);
}
