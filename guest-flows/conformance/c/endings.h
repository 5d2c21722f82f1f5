// "Rules for all three" of the specification: handing over, promising a call-back, telling a moment.

#ifndef ENDINGS_H
#define ENDINGS_H

#include "gudok.h"

// 2026-11-24T10:30 → 24.11 в 10:30
text_t moment(text_t iso);

// The outcome of the call.
bool outcome(notes_outcome_t value);

// To a person; when nobody is there, by a call-back.
bool hand_over(const voice_call_info_t *call, text_t summary);

// "We will call you back", if it is known where.
bool promise(const voice_call_info_t *call, text_t reason);

#endif
