// The conformance flow `menu`: keys, at most three times.

#include "../endings.h"

enum choice { HOURS, ADDRESS, OPERATOR, NONE_OF_THESE };

static enum choice choice_of(const voice_answer_t *answer) {
    if (answer->tag == VOICE_ANSWER_DIGITS) {
        if (is(answer->val.digits, "1")) return HOURS;
        if (is(answer->val.digits, "2")) return ADDRESS;
        if (is(answer->val.digits, "0")) return OPERATOR;
    }
    if (answer->tag == VOICE_ANSWER_SPEECH) {
        text_t words[] = {text("часы"), text("адрес"), text("регистратура")};
        flow_list_string_t options = {words, 3};
        text_t said = answer->val.speech.text;
        uint32_t index;
        if (understanding_parse_choice(&said, &options, &index) && index < NONE_OF_THESE) return (enum choice)index;
    }
    return NONE_OF_THESE;
}

static bool tell_hours(void) {
    text_t now;
    clinic_now(&now);
    text_t date = part(now, 0, 10);
    clinic_day_hours_t hours;
    TRY(clinic_hours, &date, &hours);
    if (!hours.open) return say(text("Сегодня закрыто."));
    return say(text("Сегодня работаем с {} до {}.", hours.opens, hours.closes));
}

bool conversation(void) {
    voice_call_info_t call;
    voice_call(&call);
    clinic_clinic_info_t clinic;
    clinic_info(&clinic);
    voice_question_t question =
        question_of("menu", text("{}. Часы работы — один. Адрес — два. Регистратура — ноль.", clinic.name));
    question.expects = VOICE_ANSWER_KIND_DIGITS;
    question.max_digits = 1;
    question.answer_timeout_ms = 4000;
    bool answered = false;
    for (int asked = 0; asked < 3; asked++) {
        voice_answer_t answer;
        STEP(ask(&question, &answer));
        switch (choice_of(&answer)) {
            case HOURS: STEP(tell_hours()); break;
            case ADDRESS: STEP(say(clinic.address)); break;
            case OPERATOR: return hand_over(&call, text("меню"));
            case NONE_OF_THESE: continue;
        }
        STEP(outcome(NOTES_OUTCOME_ANSWERED));
        answered = true;
    }
    STEP(say(text("До свидания!")));
    STEP(hang_up());
    return answered || outcome(NOTES_OUTCOME_NOTHING);
}
