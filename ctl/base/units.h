/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers as people type them. Each parser takes the whole text or says false. */
#ifndef TICKPROF_UNITS_H
#define TICKPROF_UNITS_H

#include <stdbool.h>
#include <stdint.h>

bool parse_u64(const char *text, uint64_t *out);
bool parse_decimal(const char *text, double *out);	/* not negative */
bool parse_size(const char *text, uint64_t *out);	/* bytes; K, M, G are powers of 1024 */
bool parse_duration(const char *text, uint64_t *out);	/* ns; "5ms", "1.5s", 0; ns, us, ms, s, m, h */
uint32_t round_up_pow2(uint64_t value);

#endif
