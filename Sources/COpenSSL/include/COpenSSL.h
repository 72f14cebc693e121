#pragma once
#include <openssl/ssl.h>
#include "COpenSSLConnection.h"
#include "ExternalKeys.h"
#include "KeyStoreCiphers.h"
#include "KeyStoreFiles.h"
#include "Revocation.h"
#include "SessionResumption.h"
