#pragma once
// What ServalKeyStore needs for files that are encrypted under a password: swift-crypto has neither 3DES nor these key derivations.
// Nothing stays on OpenSSL's error queue, where a TLS connection on the same thread would take it for its own.
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pkcs12.h>

/// Runs a block cipher in CBC mode with PKCS#7 padding (or none). `output` has room for `inputLength` + one block.
/// Returns the number of bytes written, -1 when the padding is wrong, -2 when the cipher is not available or an argument does not fit it.
static inline long serval_cbc(const char *cipherName, int encrypt, int padding, const unsigned char *key, size_t keyLength, const unsigned char *iv,
                              size_t ivLength, const unsigned char *input, size_t inputLength, unsigned char *output) {
    if (inputLength > INT_MAX - 64) return -2;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cipherName, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    long result = -2;
    int first = 0, last = 0;
    if (cipher != NULL && context != NULL && (size_t)EVP_CIPHER_get_key_length(cipher) == keyLength
        && (size_t)EVP_CIPHER_get_iv_length(cipher) == ivLength && EVP_CipherInit_ex2(context, cipher, key, iv, encrypt, NULL) == 1
        && EVP_CIPHER_CTX_set_padding(context, padding) == 1) {
        if (EVP_CipherUpdate(context, output, &first, input, (int)inputLength) == 1 && EVP_CipherFinal_ex(context, output + first, &last) == 1)
            result = (long)first + last;
        else
            result = -1;
    }
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    return result;
}

/// PBKDF2 (RFC 8018). Returns 1 when the key was derived.
static inline int serval_pbkdf2(const char *digestName, const unsigned char *password, size_t passwordLength, const unsigned char *salt,
                                size_t saltLength, int iterations, unsigned char *key, size_t keyLength) {
    if (passwordLength > INT_MAX || saltLength > INT_MAX || keyLength > INT_MAX) return 0;
    EVP_MD *digest = EVP_MD_fetch(NULL, digestName, NULL);
    int done = digest != NULL
        && PKCS5_PBKDF2_HMAC((const char *)password, (int)passwordLength, salt, (int)saltLength, iterations, digest, (int)keyLength, key) == 1;
    EVP_MD_free(digest);
    ERR_clear_error();
    return done;
}

/// The key derivation of RFC 7292 appendix B; `purpose` is 1 for keys, 2 for initialisation vectors, 3 for MACs. Returns 1 when the key was derived.
static inline int serval_pkcs12_kdf(const char *digestName, const unsigned char *password, size_t passwordLength, const unsigned char *salt,
                                    size_t saltLength, int purpose, int iterations, unsigned char *key, size_t keyLength) {
    if (passwordLength > INT_MAX || saltLength > INT_MAX || keyLength > INT_MAX) return 0;
    EVP_MD *digest = EVP_MD_fetch(NULL, digestName, NULL);
    int done = digest != NULL
        && PKCS12_key_gen_uni((unsigned char *)password, (int)passwordLength, (unsigned char *)salt, (int)saltLength, purpose, iterations,
                              (int)keyLength, key, digest) == 1;
    EVP_MD_free(digest);
    ERR_clear_error();
    return done;
}

/// A digest over `seed` and `suffix`, then `iterations` - 1 times over the digest before and `suffix`. `output` has room for EVP_MAX_MD_SIZE bytes.
/// PBKDF1 (RFC 8018) has all in the seed; Java's derivation for JCEKS repeats the password as the suffix. Returns the digest's length, 0 on failure.
static inline size_t serval_iterated_digest(const char *digestName, const unsigned char *seed, size_t seedLength, const unsigned char *suffix,
                                            size_t suffixLength, int iterations, unsigned char *output) {
    EVP_MD *digest = EVP_MD_fetch(NULL, digestName, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned int length = 0;
    int done = digest != NULL && context != NULL && iterations > 0;
    for (int round = 0; done && round < iterations; round++) {
        done = EVP_DigestInit_ex2(context, digest, NULL) == 1
            && (round == 0 ? EVP_DigestUpdate(context, seed, seedLength) : EVP_DigestUpdate(context, output, length)) == 1
            && EVP_DigestUpdate(context, suffix, suffixLength) == 1 && EVP_DigestFinal_ex(context, output, &length) == 1;
    }
    EVP_MD_CTX_free(context);
    EVP_MD_free(digest);
    ERR_clear_error();
    return done ? length : 0;
}

/// HMAC (RFC 2104). `output` has room for EVP_MAX_MD_SIZE bytes. Returns the code's length, 0 when the digest is not available.
static inline size_t serval_hmac(const char *digestName, const unsigned char *key, size_t keyLength, const unsigned char *message,
                                 size_t messageLength, unsigned char *output) {
    if (keyLength > INT_MAX) return 0;
    EVP_MD *digest = EVP_MD_fetch(NULL, digestName, NULL);
    unsigned int length = 0;
    int done = digest != NULL && HMAC(digest, key, (int)keyLength, message, messageLength, output, &length) != NULL;
    EVP_MD_free(digest);
    ERR_clear_error();
    return done ? length : 0;
}

/// scrypt (RFC 7914). Returns 1 when the key was derived.
static inline int serval_scrypt(const unsigned char *password, size_t passwordLength, const unsigned char *salt, size_t saltLength, uint64_t cost,
                                uint64_t blockSize, uint64_t parallelization, uint64_t memory, unsigned char *key, size_t keyLength) {
    int done = EVP_PBE_scrypt((const char *)password, passwordLength, salt, saltLength, cost, blockSize, parallelization, memory, key, keyLength) == 1;
    ERR_clear_error();
    return done;
}
