// The conformance flow `reminder`: a call to somebody who has a visit.

#include "../endings.h"

static bool yes_no(const char *id, text_t words, understanding_yes_no_t *said) {
    voice_question_t question = question_of(id, words);
    question.expects = VOICE_ANSWER_KIND_YES_NO;
    voice_answer_t answer;
    STEP(ask(&question, &answer));
    *said = UNDERSTANDING_YES_NO_UNKNOWN;
    if (answer.tag == VOICE_ANSWER_SPEECH) *said = understanding_parse_yes_no(&answer.val.speech.text);
    if (answer.tag == VOICE_ANSWER_DIGITS && is(answer.val.digits, "1")) *said = UNDERSTANDING_YES_NO_YES;
    if (answer.tag == VOICE_ANSWER_DIGITS && is(answer.val.digits, "2")) *said = UNDERSTANDING_YES_NO_NO;
    return true;
}

static bool comes(void) {
    TRY(notes_note, T("visit"), T("confirmed"));
    STEP(say(text("Спасибо, ждём вас!")));
    return outcome(NOTES_OUTCOME_ANSWERED);
}

static bool does_not_come(const voice_call_info_t *call, appointments_appointment_t *visit) {
    understanding_yes_no_t move;
    STEP(yes_no("move", text("Перенести на другое время?"), &move));
    if (move == UNDERSTANDING_YES_NO_YES) return promise(call, text("перенос записи"));
    TRY(appointments_cancel, &visit->id, T("напоминание"));
    STEP(say(text("Отменил вашу запись. До свидания!")));
    TRY(notes_tag, T("reschedule"));
    return outcome(NOTES_OUTCOME_CANCELLED);
}

bool conversation(void) {
    voice_call_info_t call;
    voice_call(&call);
    clinic_clinic_info_t clinic;
    clinic_info(&clinic);
    if (!call.caller.is_some) return outcome(NOTES_OUTCOME_NOTHING);
    appointments_list_appointment_t visits;
    TRY(appointments_mine, &call.caller.val, &visits);
    if (visits.len == 0) return outcome(NOTES_OUTCOME_NOTHING);
    appointments_appointment_t *visit = &visits.ptr[0];

    text_t words = text("Здравствуйте! Это {}. Вы записаны на {}, врач {}. Вы придёте?", clinic.name,
                        moment(visit->slot.start), visit->slot.doctor_name);
    understanding_yes_no_t said;
    STEP(yes_no("come", words, &said));
    if (said == UNDERSTANDING_YES_NO_UNKNOWN) {
        STEP(yes_no("come-again", text("Скажите, пожалуйста, да или нет: вы придёте?"), &said));
    }
    switch (said) {
        case UNDERSTANDING_YES_NO_YES: return comes();
        case UNDERSTANDING_YES_NO_NO: return does_not_come(&call, visit);
        default: return hand_over(&call, text("напоминание: не ответили"));
    }
}
