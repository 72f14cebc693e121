#pragma once
#include <openssl/ssl.h>
#include "COpenSSLConnection.h"
