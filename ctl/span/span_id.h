/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace and span ids as text: hexadecimal of either case (OTLP, Jaeger) or base64
 * (Tempo, and whatever prints protobuf as JSON), told apart by length.
 */
#ifndef TICKPROF_SPAN_ID_H
#define TICKPROF_SPAN_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* size 16 or 8. false: neither 2 * size digits nor base64 of so many bytes. */
bool span_id_parse(const char *text, size_t len, uint8_t *id, size_t size);
/* Jaeger leaves out zeros in front: 1 to 2 * size digits. */
bool span_id_parse_short(const char *text, size_t len, uint8_t *id, size_t size);

#define SPAN_ID_TEXT_MAX (2 * 16 + 1)

/* Lower-case digits; returns out. */
const char *span_id_print(const uint8_t *id, size_t size, char out[SPAN_ID_TEXT_MAX]);

#endif
