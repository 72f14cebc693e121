#pragma once
// What ServalKeyStore needs for files that are encrypted under a password: swift-crypto has neither 3DES nor these key derivations.
#include <limits.h>
#include <stddef.h>
#include <openssl/evp.h>
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
    return done;
}
