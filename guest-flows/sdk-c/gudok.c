// The layer between a conversation in C and the generated bindings; see gudok.h.

#include "gudok.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

// Why the flow gave up; nothing while it has not.
static text_t failure;

bool exports_flow_run(text_t *reason) {
    if (conversation() || failure.len == 0) return true;
    *reason = failure;
    return false;
}

// The generated code wants the contract's description linked in; `gudok flow build` writes it into the module instead.
void __component_type_object_force_link_flow(void) {}

// `appointments_find` is `appointments.find` in the contract, `voice_hang_up` is `voice.hang-up`.
static text_t contract_name(const char *function) {
    text_t name = text(function);
    bool interface = true;
    for (size_t at = 0; at < name.len; at++) {
        if (name.ptr[at] != '_') continue;
        name.ptr[at] = interface ? '.' : '-';
        interface = false;
    }
    return name;
}

bool gudok_over(const char *function, const types_error_t *error) {
    text_t name = contract_name(function);
    switch (error->tag) {
        case TYPES_ERROR_HANGUP: break;
        case TYPES_ERROR_TIMEOUT: failure = text("{}: timeout", name); break;
        case TYPES_ERROR_DENIED: failure = text("{}: denied", name); break;
        case TYPES_ERROR_UNAVAILABLE: failure = text("{}: unavailable", name); break;
        default: failure = text("{}: {}", name, error->val.other.code);
    }
    return false;
}

text_t text(const char *pattern, ...) {
    va_list arguments;
    size_t len = 0;
    va_start(arguments, pattern);
    for (const char *at = pattern; *at; at++) {
        bool place = at[0] == '{' && at[1] == '}';
        len += place ? va_arg(arguments, text_t).len : 1;
        at += place;
    }
    va_end(arguments);

    text_t made = {malloc(len + 1), 0};
    if (!made.ptr) abort();
    va_start(arguments, pattern);
    for (const char *at = pattern; *at; at++) {
        if (at[0] == '{' && at[1] == '}') {
            text_t argument = va_arg(arguments, text_t);
            if (argument.len > 0) memcpy(made.ptr + made.len, argument.ptr, argument.len);
            made.len += argument.len;
            at++;
        } else {
            made.ptr[made.len++] = (uint8_t)*at;
        }
    }
    va_end(arguments);
    return made;
}

text_t part(text_t whole, size_t from, size_t to) {
    if (to > whole.len) to = whole.len;
    if (from > to) from = to;
    return (text_t){whole.ptr + from, to - from};
}

text_t joined(const text_t *texts, size_t count, const char *separator) {
    text_t all = {0};
    for (size_t at = 0; at < count; at++) {
        all = at == 0 ? texts[0] : text("{}{}{}", all, text(separator), texts[at]);
    }
    return all;
}

bool is(text_t text, const char *literal) {
    return text.len == strlen(literal) && memcmp(text.ptr, literal, text.len) == 0;
}

bool say(text_t text) {
    voice_said_t said;
    TRY(voice_say, &text, VOICE_BARGE_IN_SPEECH, &said);
    return true;
}

bool say_all(text_t text) {
    voice_said_t said;
    TRY(voice_say, &text, VOICE_BARGE_IN_NONE, &said);
    return true;
}

bool play(text_t prompt) {
    voice_said_t said;
    TRY(voice_play, &prompt, VOICE_BARGE_IN_SPEECH, &said);
    return true;
}

bool hang_up(void) {
    types_error_t error;
    return voice_hang_up(&error) || gudok_over("voice_hang_up", &error);
}

voice_question_t question_of(const char *id, text_t words) {
    return (voice_question_t){
        .id = text(id),
        .text = words,
        .expects = VOICE_ANSWER_KIND_FREE,
        .barge_in = VOICE_BARGE_IN_SPEECH,
    };
}

bool ask(voice_question_t *question, voice_answer_t *answer) {
    TRY(voice_ask, question, answer);
    return true;
}
