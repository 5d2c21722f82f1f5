// The conformance flow `front-desk`: questions, visits, people.

#include "../endings.h"

// One conversation.
static voice_call_info_t call;
static bool outcome_set;
static bool faq_answered;

// How one answer of the caller was served, when the conversation is not over.
enum served { MORE, NOT_UNDERSTOOD, OVER };

static bool set(notes_outcome_t value) {
    outcome_set = true;
    return outcome(value);
}

static bool to_person(text_t summary, enum served *served) {
    *served = OVER;
    return hand_over(&call, summary);
}

static bool call_back(const char *reason, enum served *served) {
    *served = OVER;
    return promise(&call, text(reason));
}

// When they want to come: said at once, or asked for once.
static bool wish_of(text_t need, understanding_wish_t *wish) {
    understanding_date_time_t said;
    understanding_parse_date_time(&need, &said);
    if (said.tag != UNDERSTANDING_DATE_TIME_RESOLVED) {
        voice_question_t question = question_of("when", text("На какой день вас записать?"));
        question.expects = VOICE_ANSWER_KIND_DATE_TIME;
        voice_answer_t answer;
        STEP(ask(&question, &answer));
        if (answer.tag == VOICE_ANSWER_SPEECH) understanding_parse_date_time(&answer.val.speech.text, &said);
    }
    *wish = (understanding_wish_t){0};
    if (said.tag == UNDERSTANDING_DATE_TIME_RESOLVED) *wish = said.val.resolved;
    return true;
}

// The slot the caller takes; NULL when it is none of them.
static bool choose(const appointments_list_slot_t *slots, appointments_slot_t **chosen) {
    text_t moments[3];
    uint32_t count = slots->len < 3 ? slots->len : 3;
    for (uint32_t at = 0; at < count; at++) moments[at] = moment(slots->ptr[at].start);
    text_t words = text("Есть время: {}. Какое подходит?", joined(moments, count, ", "));
    voice_question_t question = question_of("slot", words);
    question.expects = VOICE_ANSWER_KIND_CHOICE;
    question.hints = (flow_list_string_t){moments, count};
    voice_answer_t answer;
    STEP(ask(&question, &answer));
    uint32_t index = count;
    if (answer.tag == VOICE_ANSWER_SPEECH) {
        if (!understanding_parse_choice(&answer.val.speech.text, &question.hints, &index)) index = count;
    } else if (answer.tag == VOICE_ANSWER_DIGITS && answer.val.digits.len == 1) {
        // Below '1' wraps around to a large number.
        index = (uint32_t)answer.val.digits.ptr[0] - '1';
    }
    *chosen = index < count ? &slots->ptr[index] : NULL;
    return true;
}

static bool person_of(text_t *person) {
    voice_question_t question = question_of("name", text("Как вас зовут?"));
    question.expects = VOICE_ANSWER_KIND_PERSON_NAME;
    voice_answer_t answer;
    STEP(ask(&question, &answer));
    *person = (text_t){0};
    if (answer.tag != VOICE_ANSWER_SPEECH) return true;
    text_t said = answer.val.speech.text;
    understanding_person_name_t name;
    text_t parts[3];
    size_t count = 0;
    if (understanding_parse_name(&said, &name)) {
        if (name.last.is_some) parts[count++] = name.last.val;
        if (name.first.is_some) parts[count++] = name.first.val;
        if (name.patronymic.is_some) parts[count++] = name.patronymic.val;
    }
    *person = count > 0 ? joined(parts, count, " ") : said;
    return true;
}

static bool not_offered(text_t service, enum served *served) {
    STEP(say(text("К сожалению, услуги «{}» у нас нет.", service)));
    TRY(notes_tag, T("not_our_service"));
    *served = MORE;
    return set(NOTES_OUTCOME_NOT_OFFERED);
}

static bool booked(const appointments_slot_t *slot, enum served *served) {
    STEP(say(text("Записал вас на {}, врач {}. Ждём вас!", moment(slot->start), slot->doctor_name)));
    TRY(notes_tag, T("target"));
    *served = MORE;
    return set(NOTES_OUTCOME_BOOKED);
}

static appointments_slot_query_t query_of(const understanding_wish_t *wish) {
    understanding_option_iso_date_t from = wish->date.is_some ? wish->date : wish->date_from;
    understanding_option_iso_date_t to = wish->date.is_some ? wish->date : wish->date_to;
    return (appointments_slot_query_t){
        .date_from = {from.is_some, from.val},
        .date_to = {to.is_some, to.val},
        .time_from = {wish->time_from.is_some, wish->time_from.val},
        .time_to = {wish->time_to.is_some, wish->time_to.val},
        .limit = 3,
    };
}

static bool book(text_t need, const understanding_intent_t *intent, enum served *served) {
    const understanding_service_mention_t *offered = NULL;
    for (size_t at = 0; at < intent->services.len && !offered; at++) {
        if (intent->services.ptr[at].offered == UNDERSTANDING_OFFERED_OFFERED) offered = &intent->services.ptr[at];
    }
    if (!offered && intent->services.len > 0 && intent->services.ptr[0].offered == UNDERSTANDING_OFFERED_ABSENT) {
        return not_offered(intent->services.ptr[0].name, served);
    }
    understanding_wish_t wish;
    STEP(wish_of(need, &wish));
    appointments_slot_query_t query = query_of(&wish);
    query.doctor = intent->doctor;
    if (offered) query.service = offered->service_id;

    // Somebody may be quicker once.
    for (int attempt = 0; attempt < 2; attempt++) {
        appointments_list_slot_t slots;
        TRY(appointments_find, &query, &slots);
        if (slots.len == 0) return call_back("запись: свободного времени не нашлось", served);
        appointments_slot_t *slot;
        STEP(choose(&slots, &slot));
        if (!slot) return to_person(text("запись: время не выбрано"), served);
        text_t person;
        STEP(person_of(&person));
        if (!call.caller.is_some) return to_person(text("запись: нет номера"), served);
        appointments_visitor_t visitor = {.phone = call.caller.val, .person = person, .reason = need};
        appointments_booking_t booking;
        TRY(appointments_book, &slot->id, &visitor, &booking);
        if (booking.tag == APPOINTMENTS_BOOKING_BOOKED) return booked(&booking.val.booked.slot, served);
        STEP(say(text("Это время только что заняли.")));
    }
    return call_back("запись: время заняли", served);
}

// What the caller has booked; who wants to change it talks to a person.
static bool my_visit(text_t said, bool change, enum served *served) {
    if (!call.caller.is_some) return to_person(text("нет номера"), served);
    appointments_list_appointment_t visits;
    TRY(appointments_mine, &call.caller.val, &visits);
    *served = MORE;
    if (visits.len == 0) {
        STEP(say(text("На ваш номер записи нет.")));
        return set(NOTES_OUTCOME_ANSWERED);
    }
    const appointments_slot_t *slot = &visits.ptr[0].slot;
    STEP(say(text("Вы записаны на {}, врач {}.", moment(slot->start), slot->doctor_name)));
    STEP(set(NOTES_OUTCOME_ANSWERED));
    return change ? to_person(said, served) : true;
}

static bool answer_from_faq(text_t said, enum served *served) {
    faq_list_hit_t hits;
    TRY(faq_find, &said, &hits);
    *served = hits.len > 0 ? MORE : NOT_UNDERSTOOD;
    if (hits.len == 0) return true;
    STEP(say(hits.ptr[0].entry.answer));
    if (faq_answered) return true;
    faq_answered = true;
    return set(NOTES_OUTCOME_ANSWERED);
}

static bool goodbye(enum served *served) {
    *served = OVER;
    STEP(say(text("До свидания!")));
    return outcome_set || set(NOTES_OUTCOME_NOTHING);
}

static bool serve(text_t said, enum served *served) {
    understanding_intent_t intent;
    understanding_parse_intent(&said, &intent);
    if (intent.urgent) {
        TRY(notes_tag, T("target"));
        return to_person(text("срочно: {}", said), served);
    }
    switch (intent.kind) {
        case UNDERSTANDING_INTENT_KIND_OPERATOR:
        case UNDERSTANDING_INTENT_KIND_RESULTS:
        case UNDERSTANDING_INTENT_KIND_WARD:
        case UNDERSTANDING_INTENT_KIND_DOCTOR:
        case UNDERSTANDING_INTENT_KIND_CALLBACK_MISSED:
        case UNDERSTANDING_INTENT_KIND_FEED:
        case UNDERSTANDING_INTENT_KIND_ADVERTISING: return to_person(said, served);
        case UNDERSTANDING_INTENT_KIND_GOODBYE: return goodbye(served);
        case UNDERSTANDING_INTENT_KIND_BOOK: return book(said, &intent, served);
        case UNDERSTANDING_INTENT_KIND_MY_VISIT: return my_visit(said, false, served);
        case UNDERSTANDING_INTENT_KIND_CANCEL:
        case UNDERSTANDING_INTENT_KIND_RESCHEDULE: return my_visit(said, true, served);
        default: return answer_from_faq(said, served);
    }
}

bool conversation(void) {
    voice_call(&call);
    clinic_clinic_info_t clinic;
    clinic_info(&clinic);
    voice_question_t question = question_of("need", text("{}, здравствуйте! Чем помочь?", clinic.name));
    bool misunderstood = false;
    for (;;) {
        voice_answer_t answer;
        STEP(ask(&question, &answer));
        enum served served = NOT_UNDERSTOOD;
        if (answer.tag == VOICE_ANSWER_DIGITS && is(answer.val.digits, "0")) {
            return hand_over(&call, text("клавиша 0"));
        }
        if (answer.tag == VOICE_ANSWER_SPEECH) STEP(serve(answer.val.speech.text, &served));
        switch (served) {
            case OVER: return true;
            case MORE:
                misunderstood = false;
                question = question_of("more", text("Чем ещё помочь?"));
                break;
            case NOT_UNDERSTOOD:
                if (misunderstood) return hand_over(&call, text("не поняли друг друга"));
                misunderstood = true;
                question = question_of("again", text("Простите, не понял. Чем помочь?"));
        }
    }
}
