#pragma once
#include <stddef.h>

// Has OpenSSL keep blocks of memory for its next use instead of giving each back: a handshake takes and returns 700 of them, some dozens above a kilobyte, for
// which the C library has no quick way, and a busy connection two of 17 KiB with each record. Each thread keeps what it has freed, 32 at the most of each size
// up to a kilobyte and eight of each size up to 24 KiB, and gives it back when it ends: half a megabyte for a thread that makes handshakes, 5 MiB at the very most.
//
// To be called before anything else is done with OpenSSL; 0 if it is too late for that, and nothing changes.
int serval_keep_memory(void);

// What OpenSSL calls then; in place and line of the caller nobody is interested.
void *serval_memory_take(size_t size, const char *file, int line);
void *serval_memory_resize(void *memory, size_t size, const char *file, int line);
void serval_memory_return(void *memory, const char *file, int line);
