/* What every fuzz target is: one function over one input, linked with libFuzzer (clang, -Dfuzz=true) or with replay.c
 * (any compiler, an ordinary test over the target's corpus). A broken invariant aborts. */
#ifndef TH_FUZZ_H
#define TH_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Not assert(): a fuzz build must never lose its checks to NDEBUG. */
#define FUZZ_CHECK(cond)                                                                                               \
	do {                                                                                                           \
		if (!(cond)) {                                                                                         \
			fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #cond);                   \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

#endif
