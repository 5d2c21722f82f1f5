// Write a Gudok flow in C: a conversation as it reads, top to bottom.
//
//     #include "gudok.h"
//
//     bool conversation(void) {
//         STEP(say(text("Здравствуйте! Клиника слушает.")));
//         voice_question_t question = question_of("name", text("Как вас зовут?"));
//         question.expects = VOICE_ANSWER_KIND_PERSON_NAME;
//         voice_answer_t answer;
//         STEP(ask(&question, &answer));
//         if (answer.tag != VOICE_ANSWER_SPEECH) return say(text("Тогда до свидания."));
//         return say(text("Очень приятно, {}.", answer.val.speech.text));
//     }
//
// Every call waits until it is done. A step returns true when the conversation goes on and false when it is over: the
// caller hung up, or a host call failed; let STEP and TRY carry that out of `conversation`. What failed is remembered and
// told to the host, which hands the caller to a person.
//
// The capabilities are the functions of flow.h, as the contract describes them: appointments_find, notes_tag, …
//
// Nothing is ever freed: an instance serves one call and is thrown away with its memory.

#ifndef GUDOK_H
#define GUDOK_H

#include "flow.h"

// UTF-8, not terminated by a zero.
typedef flow_string_t text_t;

// The conversation. You write it.
bool conversation(void);

// A host call that may fail: TRY(notes_tag, T("target")); the error is the last argument and is added here.
#define TRY(function, ...) \
    do { \
        types_error_t gudok_error; \
        if (!function(__VA_ARGS__, &gudok_error)) return gudok_over(#function, &gudok_error); \
    } while (0)

// A step of the conversation that may end it.
#define STEP(step) \
    do { \
        if (!(step)) return false; \
    } while (0)

// A constant text as an argument of a host call.
#define T(literal) (&(text_t){(uint8_t *)(literal), sizeof(literal) - 1})

// A text with every {} replaced by the next argument, a text_t.
text_t text(const char *pattern, ...);

// The bytes from `from` up to `to`; less where the text is shorter.
text_t part(text_t whole, size_t from, size_t to);

// All of them, `separator` between each two.
text_t joined(const text_t *texts, size_t count, const char *separator);

bool is(text_t text, const char *literal);

// Say a text; the caller may interrupt it by voice or by a key.
bool say(text_t text);

// Say a text the caller has to hear to the end.
bool say_all(text_t text);

// Play one of the clinic's recorded prompts.
bool play(text_t prompt);

// End the call after what was said has been heard.
bool hang_up(void);

// A question with the usual settings: any answer, the caller may interrupt. `id` is a short stable name for traces, tests
// and replays.
voice_question_t question_of(const char *id, text_t text);

// Ask, and wait for the answer.
bool ask(voice_question_t *question, voice_answer_t *answer);

// For TRY: remembers why the conversation is over; false.
bool gudok_over(const char *function, const types_error_t *error);

#endif
