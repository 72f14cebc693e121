#include "KeptMemory.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__APPLE__)
#include <malloc/malloc.h>
#define usable_size(block) malloc_size(block)
#else
#include <malloc.h>
#define usable_size(block) malloc_usable_size(block)
#endif

// Blocks are sorted by what fits into them: 24, 40, 56, … 1016 bytes, which are the sizes of glibc's own, so that nothing is wasted, and above that 1024, 1536,
// … 24,576. What is asked for is rounded up, and what is there is rounded down, so a block is never smaller than its list says.
enum { step = 16, small_lists = 64, small_blocks = 32 };
enum { large_step = 512, large_lists = 49, large_blocks = 8, largest = (large_lists - 1) * large_step };
enum { lists = small_lists + large_lists };

typedef struct block {
    struct block *next;
} block;

typedef struct {
    block *first;
    uint32_t count;
} list;

static _Thread_local list kept[lists];
static _Thread_local int is_registered;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_end_of_thread;
static int has_key;

static size_t size_of_list(size_t index) { return index < small_lists ? index * step + 8 : (index - small_lists) * large_step; }

static void release_all(void *ignored) {
    (void)ignored;
    is_registered = 0;
    for (size_t index = 0; index < lists; index++) {
        while (kept[index].first != NULL) {
            block *taken = kept[index].first;
            kept[index].first = taken->next;
            free(taken);
        }
        kept[index].count = 0;
    }
}

static void make_key(void) { has_key = pthread_key_create(&at_end_of_thread, release_all) == 0; }

void *serval_memory_take(size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (size == 0) return NULL;
    // The smallest block has room for 24 bytes.
    size_t index = size <= step + 8 ? 1 : (size + 7) / step;
    if (index >= small_lists) {
        if (size > largest) return malloc(size);
        index = small_lists + (size + large_step - 1) / large_step;
    }
    list *from = &kept[index];
    block *taken = from->first;
    if (taken == NULL) return malloc(size_of_list(index));
    from->first = taken->next;
    from->count--;
    return taken;
}

void serval_memory_return(void *memory, const char *file, int line) {
    (void)file, (void)line;
    if (memory == NULL) return;
    size_t size = usable_size(memory);
    if (size < step + 8) return free(memory);
    size_t index = (size - 8) / step;
    uint32_t most = small_blocks;
    if (index >= small_lists) {
        if (size >= largest + large_step) return free(memory);
        index = small_lists + size / large_step;
        most = large_blocks;
    }
    list *to = &kept[index];
    if (to->count >= most) return free(memory);
    if (!is_registered) {
        // Without it the blocks would be lost with the thread.
        pthread_once(&once, make_key);
        if (!has_key || pthread_setspecific(at_end_of_thread, kept) != 0) return free(memory);
        is_registered = 1;
    }
    block *returned = memory;
    returned->next = to->first;
    to->first = returned;
    to->count++;
}

void *serval_memory_resize(void *memory, size_t size, const char *file, int line) {
    if (memory == NULL) return serval_memory_take(size, file, line);
    if (size == 0) {
        serval_memory_return(memory, file, line);
        return NULL;
    }
    size_t present = usable_size(memory);
    if (size <= present && size >= present / 2) return memory;
    // What no list holds is the allocator's, which may have room behind it.
    if (size > largest && present > largest) return realloc(memory, size);
    void *taken = serval_memory_take(size, file, line);
    if (taken == NULL) return NULL;
    memcpy(taken, memory, size < present ? size : present);
    serval_memory_return(memory, file, line);
    return taken;
}

int serval_keep_memory(void) {
    static int is_done;
    if (is_done) return 1;
    is_done = CRYPTO_set_mem_functions(serval_memory_take, serval_memory_resize, serval_memory_return);
    return is_done;
}
