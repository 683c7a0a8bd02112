/* agentsecrets: end-to-end encrypted environment secrets. Generated; see agentsecrets-ffi/tests/header.rs. */

#ifndef AGENTSECRETS_H
#define AGENTSECRETS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Version of the binary interface; grows with every incompatible change, apart from the crate's.
#define AGENTSECRETS_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Version of the binary interface. A program built for another number must not go on.
uint32_t agentsecrets_abi_version(void);

// The stable word of an error code, as in `error[conflict]`; `NULL` for an unknown number. Static.
const char *agentsecrets_error_code_name(int32_t code);

// The command that helps in most cases of an error code; `NULL` for an unknown number. Static.
const char *agentsecrets_error_code_hint(int32_t code);

// Whether the same call may succeed later with nothing else changed.
bool agentsecrets_error_code_retryable(int32_t code);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AGENTSECRETS_H */
