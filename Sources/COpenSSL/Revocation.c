#include "Revocation.h"

#include "COpenSSLConnection.h"

#include <openssl/err.h>
#include <string.h>
#include <time.h>

static CRYPTO_ONCE indices_once = CRYPTO_ONCE_STATIC_INIT;
static int ssl_index = -1, check_index = -1;

static void make_indices(void) {
    ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    check_index = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static int have_indices(void) { return CRYPTO_THREAD_run_once(&indices_once, make_indices) && ssl_index >= 0 && check_index >= 0; }

// Whether the error says that a list is missing or cannot be used, as opposed to one that says that the certificate is revoked.
static int is_about_lists(int error) {
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
        return 1;
    default:
        return 0;
    }
}

static int on_finding(int ok, X509_STORE_CTX *check) {
    serval_revocation *revocation = X509_STORE_CTX_get_ex_data(check, check_index);
    if (revocation == NULL) return ok;
    if (ok) return revocation->otherwise == NULL ? ok : revocation->otherwise(ok, check);
    int error = X509_STORE_CTX_get_error(check);
    int depth = X509_STORE_CTX_get_error_depth(check);
    int count = sk_X509_num(X509_STORE_CTX_get0_chain(check));
    if (depth < 0 || depth >= SERVAL_LONGEST_CHAIN) return 0;
    if (is_about_lists(error)) {
        // Whoever is trusted by configuration needs no list: he would be taken out of the configuration.
        if (depth != count - 1) {
            revocation->list_errors[depth] = error;
            if (!revocation->asks) {
                revocation->refused = depth;
                return 0;
            }
        }
        if (!revocation->is_forgiven) X509_STORE_CTX_set_error(check, X509_V_OK);
        return 1;
    }
    if (error == X509_V_ERR_CERT_REVOKED) {
        revocation->refused = depth;
        return 0;
    }
    int passes = revocation->otherwise == NULL ? ok : revocation->otherwise(ok, check);
    if (passes) revocation->is_forgiven = 1;
    return passes;
}

int serval_verify(X509_STORE_CTX *check, serval_revocation *revocation) {
    serval_revocation_clear(revocation);
    for (int i = 0; i < SERVAL_LONGEST_CHAIN; i++) revocation->list_errors[i] = revocation->has_lists ? 0 : X509_V_ERR_UNABLE_TO_GET_CRL;
    if (!have_indices() || !X509_STORE_CTX_set_ex_data(check, check_index, revocation)) return SERVAL_REFUSED;
    revocation->otherwise = X509_STORE_CTX_get_verify_cb(check);
    X509_STORE_CTX_set_verify_cb(check, on_finding);
    int verified = X509_verify_cert(check) == 1;
    X509_STORE_CTX_set_ex_data(check, check_index, NULL);
    if (verified || revocation->refused >= 0) revocation->chain = X509_STORE_CTX_get1_chain(check);
    X509_STORE_CTX_set_verify_cb(check, revocation->otherwise);
    if (!verified) return SERVAL_REFUSED;
    return !revocation->is_forgiven && X509_STORE_CTX_get_error(check) == X509_V_OK ? SERVAL_VERIFIED : SERVAL_LET_PASS;
}

static int verify_client(X509_STORE_CTX *check, void *unused) {
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx());
    serval_revocation *revocation = ssl == NULL ? NULL : SSL_get_ex_data(ssl, ssl_index);
    if (revocation == NULL) {
        X509_STORE_CTX_set_error(check, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    int outcome = serval_verify(check, revocation);
    if (outcome == SERVAL_REFUSED) {
        if (X509_STORE_CTX_get_error(check) == X509_V_OK) X509_STORE_CTX_set_error(check, X509_V_ERR_UNSPECIFIED);
        serval_note_refusal(check);
        return 0;
    }
    if (!revocation->asks) {
        serval_revocation_clear(revocation);
        return 1;
    }
    if (outcome == SERVAL_LET_PASS) {
        if (!revocation->refuses_unverified) return 1;
        revocation->verdict = X509_V_ERR_OCSP_VERIFY_FAILED;
        X509_STORE_CTX_set_error(check, X509_V_ERR_OCSP_CERT_UNKNOWN);
        return 0;
    }
    revocation->verdict = X509_V_ERR_OCSP_CERT_UNKNOWN;
    revocation->state = SERVAL_STATUS_WAITING;
    if (ASYNC_get_current_job() == NULL) revocation->decide_now(revocation);
    while (revocation->state == SERVAL_STATUS_WAITING)
        if (ASYNC_get_current_job() == NULL || !ASYNC_pause_job()) break;
    int verdict = revocation->state == SERVAL_STATUS_DECIDED ? revocation->verdict : X509_V_ERR_OCSP_CERT_UNKNOWN;
    revocation->state = SERVAL_STATUS_IDLE;
    X509_STORE_CTX_set_error(check, verdict);
    // Nobody looks at the chain of an accepted client again.
    if (verdict == X509_V_OK) serval_revocation_clear(revocation);
    return verdict == X509_V_OK;
}

int serval_ctx_check_revocation(SSL_CTX *context) {
    if (!have_indices()) return 0;
    SSL_CTX_set_cert_verify_callback(context, verify_client, NULL);
    return 1;
}

int serval_set_revocation(SSL *ssl, serval_revocation *revocation) { return have_indices() && SSL_set_ex_data(ssl, ssl_index, revocation); }

void serval_revocation_clear(serval_revocation *revocation) {
    sk_X509_pop_free(revocation->chain, X509_free);
    revocation->chain = NULL;
    revocation->refused = -1;
    revocation->is_forgiven = 0;
    revocation->verdict = X509_V_OK;
    revocation->state = SERVAL_STATUS_IDLE;
}

int64_t serval_seconds(const ASN1_TIME *time) {
    struct tm parts;
    if (time == NULL || !ASN1_TIME_to_tm(time, &parts)) return 0;
    return (int64_t)timegm(&parts);
}

int serval_must_staple(X509 *certificate) {
    TLS_FEATURE *features = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
    int found = 0;
    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
        int64_t feature = 0;
        if (ASN1_INTEGER_get_int64(&feature, sk_ASN1_INTEGER_value(features, i)) && feature == TLSEXT_TYPE_status_request) found = 1;
    }
    sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
    ERR_clear_error();
    return found;
}

int serval_set_staple(SSL *ssl, const uint8_t *answer, size_t length) {
    uint8_t *copy = OPENSSL_memdup(answer, length);
    if (copy == NULL) return 0;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)length)) return 1;
    OPENSSL_free(copy);
    return 0;
}

int serval_crl_is_signed_by(X509_CRL *list, X509 *issuer) {
    AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(list, NID_authority_key_identifier, NULL, NULL);
    int names_other_key = id != NULL && X509_check_akid(issuer, id) != X509_V_OK;
    AUTHORITY_KEYID_free(id);
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    int is_signed = key != NULL && X509_CRL_verify(list, key) == 1;
    ERR_clear_error();
    return is_signed ? SERVAL_SIGNED : names_other_key ? SERVAL_OTHER_KEY : SERVAL_NOT_SIGNED;
}

X509_STORE *serval_store_of(X509 *anchor) {
    X509_STORE *store = X509_STORE_new();
    if (store == NULL) return NULL;
    if (X509_STORE_add_cert(store, anchor) && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN)) return store;
    X509_STORE_free(store);
    return NULL;
}
