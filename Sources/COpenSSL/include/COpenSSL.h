#pragma once
#include <openssl/ssl.h>
#include "COpenSSLConnection.h"
#include "KeyStoreCiphers.h"
#include "KeyStoreFiles.h"
