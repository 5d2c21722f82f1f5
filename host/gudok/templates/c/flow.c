// The flow `{{name}}`: greets, answers a question from the clinic's list, or leads to a person.

#include "gudok.h"

static bool to_person(text_t summary) {
    routing_destination_t operator = {.tag = ROUTING_DESTINATION_OPERATOR};
    routing_transfer_outcome_t transferred;
    TRY(routing_transfer, &operator, &summary, &transferred);
    if (transferred.tag == ROUTING_TRANSFER_OUTCOME_CONNECTED) {
        TRY(notes_set_outcome, NOTES_OUTCOME_TRANSFERRED);
        return true;
    }
    STEP(say(text("Сейчас никого нет. Пожалуйста, позвоните позже.")));
    TRY(notes_set_outcome, NOTES_OUTCOME_NOTHING);
    return true;
}

bool conversation(void) {
    clinic_clinic_info_t clinic;
    clinic_info(&clinic);
    voice_question_t question = question_of("need", text("{}, здравствуйте! Чем помочь?", clinic.name));
    voice_answer_t answer;
    STEP(ask(&question, &answer));
    if (answer.tag != VOICE_ANSWER_SPEECH) return to_person(text("звонящий промолчал"));

    text_t said = answer.val.speech.text;
    faq_list_hit_t hits;
    TRY(faq_find, &said, &hits);
    if (hits.len == 0) return to_person(said);
    STEP(say(hits.ptr[0].entry.answer));
    TRY(notes_set_outcome, NOTES_OUTCOME_ANSWERED);
    return say(text("До свидания!"));
}
