// What libFuzzer calls. It also counts the bytes that a run has on the heap at once: a parser may not ask for more than the size of its input explains.
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sanitizer/allocator_interface.h>

void serval_fuzz_run(const uint8_t *bytes, size_t count);
// Chooses the target by name; 0 when there is none of this name.
int serval_fuzz_choose(const char *name);

// Live bytes may reach the allowance and this many times the input: a two-byte ASN.1 value becomes a structure of some eighty bytes, in an array that
// doubles while it grows.
static const int64_t allowance = 4 << 20;
static const int64_t factor = 512;

static _Atomic int64_t live, peak;
static int64_t worst;
static size_t worst_input;

static void allocated(const volatile void *pointer, size_t size) {
    (void)pointer;
    int64_t now = atomic_fetch_add_explicit(&live, (int64_t)size, memory_order_relaxed) + (int64_t)size;
    int64_t highest = atomic_load_explicit(&peak, memory_order_relaxed);
    while (now > highest && !atomic_compare_exchange_weak_explicit(&peak, &highest, now, memory_order_relaxed, memory_order_relaxed)) {}
}

static void freed(const volatile void *pointer) {
    if (pointer == NULL) return;
    atomic_fetch_sub_explicit(&live, (int64_t)__sanitizer_get_allocated_size(pointer), memory_order_relaxed);
}

static void report(void) {
    fprintf(stderr, "serval-fuzz: the most bytes on the heap at once in one run: %lld, for an input of %zu\n", (long long)worst, worst_input);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    const char *name = getenv("SERVAL_FUZZ_TARGET");
    if (name == NULL || !serval_fuzz_choose(name)) {
        fprintf(stderr, "serval-fuzz: the variable SERVAL_FUZZ_TARGET must name a target\n");
        exit(2);
    }
    __sanitizer_install_malloc_and_free_hooks(allocated, freed);
    atexit(report);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    atomic_store(&live, 0);
    atomic_store(&peak, 0);
    serval_fuzz_run(bytes, count);
    int64_t highest = atomic_load(&peak);
    if (highest > worst) {
        worst = highest;
        worst_input = count;
    }
    if (highest > allowance + factor * (int64_t)count) {
        fprintf(stderr, "serval-fuzz: %lld bytes on the heap at once for an input of %zu\n", (long long)highest, count);
        abort();
    }
    return 0;
}
