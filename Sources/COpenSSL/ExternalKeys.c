// The methods of single keys are deprecated in OpenSSL 3 in favour of providers. A provider would be one for the whole process, and PKCS#11 modules that
// use the same library (SoftHSM) would call into it.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ExternalKeys.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

static _Thread_local serval_signing *current;

int serval_handshake(SSL *ssl, serval_signing *signing) {
    current = signing;
    int code = SSL_do_handshake(ssl);
    current = NULL;
    return code;
}

// Leaves the job until there is a signature; returns its length, or -1.
static long sign_elsewhere(void *key, int operation, const unsigned char *input, size_t length, unsigned char *output, size_t capacity) {
    // Other threads never see this job: an event loop goes on with what it has begun.
    serval_signing *signing = current;
    if (signing == NULL || key == NULL || length > sizeof signing->input || ASYNC_get_current_job() == NULL) return -1;
    signing->operation = operation;
    signing->key = (size_t)key - 1;
    signing->input_length = length;
    signing->output_length = 0;
    memcpy(signing->input, input, length);
    signing->state = SERVAL_SIGNING_WAITING;
    while (signing->state == SERVAL_SIGNING_WAITING)
        if (!ASYNC_pause_job()) break;
    int done = signing->state == SERVAL_SIGNING_DONE && signing->output_length <= capacity;
    signing->state = SERVAL_SIGNING_IDLE;
    if (!done) return -1;
    memcpy(output, signing->output, signing->output_length);
    return (long)signing->output_length;
}

static CRYPTO_ONCE methods_once = CRYPTO_ONCE_STATIC_INIT;
static RSA_METHOD *rsa_method;
static EC_KEY_METHOD *ec_method;
static int rsa_index = -1, ec_index = -1;

static int rsa_private_encrypt(int length, const unsigned char *input, unsigned char *output, RSA *rsa, int padding) {
    if (length < 0 || (padding != RSA_PKCS1_PADDING && padding != RSA_NO_PADDING)) return -1;
    size_t size = (size_t)RSA_size(rsa);
    int operation = padding == RSA_PKCS1_PADDING ? SERVAL_RSA_PKCS1 : SERVAL_RSA_RAW;
    long written = sign_elsewhere(RSA_get_ex_data(rsa, rsa_index), operation, input, (size_t)length, output, size);
    return written == (long)size ? (int)size : -1;
}

// Key exchange by RSA encryption, which no default cipher uses.
static int rsa_private_decrypt(int length, const unsigned char *input, unsigned char *output, RSA *rsa, int padding) {
    (void)length, (void)input, (void)output, (void)rsa, (void)padding;
    return -1;
}

static int ec_sign(int type, const unsigned char *digest, int length, unsigned char *signature, unsigned int *signature_length, const BIGNUM *kinv,
                   const BIGNUM *r, EC_KEY *key) {
    (void)type, (void)kinv, (void)r;
    int capacity = ECDSA_size(key);
    if (length < 0 || capacity <= 0) return 0;
    long written = sign_elsewhere(EC_KEY_get_ex_data(key, ec_index), SERVAL_ECDSA, digest, (size_t)length, signature, (size_t)capacity);
    if (written <= 0) return 0;
    *signature_length = (unsigned int)written;
    return 1;
}

static void make_methods(void) {
    rsa_index = RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    ec_index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (rsa_index < 0 || ec_index < 0) return;
    rsa_method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    if (rsa_method != NULL) {
        RSA_meth_set1_name(rsa_method, "serval");
        RSA_meth_set_flags(rsa_method, RSA_FLAG_EXT_PKEY);
        RSA_meth_set_priv_enc(rsa_method, rsa_private_encrypt);
        RSA_meth_set_priv_dec(rsa_method, rsa_private_decrypt);
    }
    ec_method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (ec_method != NULL) EC_KEY_METHOD_set_sign(ec_method, ec_sign, NULL, NULL);
}

static EVP_PKEY *external_rsa(const RSA *public_key, void *key) {
    const BIGNUM *n = NULL, *e = NULL;
    if (public_key == NULL || rsa_method == NULL) return NULL;
    RSA_get0_key(public_key, &n, &e, NULL);
    RSA *rsa = RSA_new();
    EVP_PKEY *result = EVP_PKEY_new();
    BIGNUM *n2 = BN_dup(n), *e2 = BN_dup(e);
    if (rsa != NULL && result != NULL && n2 != NULL && e2 != NULL && RSA_set0_key(rsa, n2, e2, NULL)) {
        n2 = e2 = NULL;
        if (RSA_set_method(rsa, rsa_method) && RSA_set_ex_data(rsa, rsa_index, key) && EVP_PKEY_assign_RSA(result, rsa)) return result;
    }
    BN_free(n2);
    BN_free(e2);
    RSA_free(rsa);
    EVP_PKEY_free(result);
    return NULL;
}

static EVP_PKEY *external_ec(const EC_KEY *public_key, void *key) {
    if (public_key == NULL || ec_method == NULL) return NULL;
    EC_KEY *ec = EC_KEY_dup(public_key);
    EVP_PKEY *result = EVP_PKEY_new();
    if (ec != NULL && result != NULL && EC_KEY_set_method(ec, ec_method) && EC_KEY_set_ex_data(ec, ec_index, key) && EVP_PKEY_assign_EC_KEY(result, ec))
        return result;
    EC_KEY_free(ec);
    EVP_PKEY_free(result);
    return NULL;
}

EVP_PKEY *serval_external_key(X509 *certificate, size_t key) {
    if (!CRYPTO_THREAD_run_once(&methods_once, make_methods)) return NULL;
    EVP_PKEY *public_key = X509_get0_pubkey(certificate);
    // The data of a key is NULL for keys that are not ours.
    void *data = (void *)(key + 1);
    EVP_PKEY *result = NULL;
    if (public_key != NULL && EVP_PKEY_is_a(public_key, "RSA")) result = external_rsa(EVP_PKEY_get0_RSA(public_key), data);
    if (public_key != NULL && EVP_PKEY_is_a(public_key, "EC")) result = external_ec(EVP_PKEY_get0_EC_KEY(public_key), data);
    if (result != NULL) ERR_clear_error();
    return result;
}
