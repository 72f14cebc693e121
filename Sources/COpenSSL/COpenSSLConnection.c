#include "COpenSSLConnection.h"

#include <limits.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>

static int io_read(BIO *bio, char *to, int wanted) {
    serval_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (io == NULL || wanted <= 0) return 0;
    if (io->in_length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t count = (size_t)wanted < io->in_length ? (size_t)wanted : io->in_length;
    memcpy(to, io->in, count);
    io->in += count;
    io->in_length -= count;
    return (int)count;
}

static int io_write(BIO *bio, const char *from, int length) {
    serval_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (io == NULL || length <= 0) return 0;
    size_t count = (size_t)length;
    // Bytes that follow spilled ones must spill too, or they would overtake them.
    if (io->spill_length == 0 && count <= io->out_capacity - io->out_length) {
        memcpy(io->out + io->out_length, from, count);
        io->out_length += count;
        return length;
    }
    if (count > io->spill_capacity - io->spill_length) {
        size_t capacity = io->spill_capacity == 0 ? 4096 : io->spill_capacity;
        while (capacity - io->spill_length < count) {
            if (capacity > SIZE_MAX / 2) return -1;
            capacity *= 2;
        }
        uint8_t *larger = realloc(io->spill, capacity);
        if (larger == NULL) return -1;
        io->spill = larger;
        io->spill_capacity = capacity;
    }
    memcpy(io->spill + io->spill_length, from, count);
    io->spill_length += count;
    return length;
}

static long io_control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    serval_io *io = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_PENDING:
        return io == NULL || io->in_length > LONG_MAX ? 0 : (long)io->in_length;
    default:
        return 0;
    }
}

static int io_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;
static BIO_METHOD *method;

static void make_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "serval");
    if (made == NULL) return;
    if (BIO_meth_set_read(made, io_read) && BIO_meth_set_write(made, io_write) && BIO_meth_set_ctrl(made, io_control) && BIO_meth_set_create(made, io_create)) {
        method = made;
    } else {
        BIO_meth_free(made);
    }
}

SSL *serval_ssl_new(SSL_CTX *context, serval_io *io) {
    if (!CRYPTO_THREAD_run_once(&method_once, make_method) || method == NULL) return NULL;
    SSL *ssl = SSL_new(context);
    if (ssl == NULL) return NULL;
    BIO *bio = BIO_new(method);
    if (bio == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, io);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return ssl;
}

void serval_io_free_spill(serval_io *io) {
    free(io->spill);
    io->spill = NULL;
    io->spill_length = 0;
    io->spill_capacity = 0;
}

size_t serval_ctx_hello(SSL_CTX *context, uint8_t *out, size_t capacity) {
    serval_io io = {.out = out, .out_capacity = capacity};
    SSL *ssl = serval_ssl_new(context, &io);
    if (ssl == NULL) return 0;
    // As a client it takes groups, ciphers and versions from the same settings.
    if (SSL_set_ssl_method(ssl, TLS_client_method())) {
        SSL_set_connect_state(ssl);
        SSL_clear_mode(ssl, SSL_MODE_ASYNC);
        SSL_do_handshake(ssl);
    }
    size_t length = io.spill_length == 0 ? io.out_length : 0;
    SSL_free(ssl);
    serval_io_free_spill(&io);
    ERR_clear_error();
    return length;
}

int serval_uses_fips_provider(void) {
    EVP_MD *digest = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    if (digest == NULL) return 0;
    const char *name = OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(digest));
    int uses = name != NULL && strcmp(name, "fips") == 0;
    EVP_MD_free(digest);
    return uses;
}

static void note_alert(const SSL *ssl, int place, int value) {
    if ((place & SSL_CB_ALERT) == 0) return;
    serval_io *io = BIO_get_data(SSL_get_rbio(ssl));
    if (io == NULL) return;
    if (place & SSL_CB_WRITE) {
        io->alert_sent = (uint16_t)((value & 0xff) + 1);
    } else {
        io->alert_received = (uint16_t)((value & 0xff) + 1);
    }
}

void serval_ctx_note_alerts(SSL_CTX *context) { SSL_CTX_set_info_callback(context, note_alert); }

void serval_note_refusal(X509_STORE_CTX *check) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx());
    serval_io *io = ssl == NULL ? NULL : BIO_get_data(SSL_get_rbio(ssl));
    X509 *culprit = X509_STORE_CTX_get_current_cert(check);
    if (io == NULL || culprit == NULL || !X509_up_ref(culprit)) return;
    X509_free(io->refused);
    io->refused = culprit;
    io->refused_depth = X509_STORE_CTX_get_error_depth(check);
    io->refused_is_trusted = io->refused_depth >= X509_STORE_CTX_get_num_untrusted(check);
}

static int verify_and_note(X509_STORE_CTX *check, void *unused) {
    (void)unused;
    int outcome = X509_verify_cert(check);
    if (outcome <= 0) serval_note_refusal(check);
    return outcome;
}

void serval_ctx_note_refusals(SSL_CTX *context) { SSL_CTX_set_cert_verify_callback(context, verify_and_note, NULL); }
