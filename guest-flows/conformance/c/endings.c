// How all three conformance flows end when a person is needed.

#include "endings.h"

text_t moment(text_t iso) { return text("{}.{} в {}", part(iso, 8, 10), part(iso, 5, 7), part(iso, 11, 16)); }

bool outcome(notes_outcome_t value) {
    TRY(notes_set_outcome, value);
    return true;
}

bool hand_over(const voice_call_info_t *call, text_t summary) {
    routing_destination_t operator = {.tag = ROUTING_DESTINATION_OPERATOR};
    routing_transfer_outcome_t transferred;
    TRY(routing_transfer, &operator, &summary, &transferred);
    if (transferred.tag == ROUTING_TRANSFER_OUTCOME_CONNECTED) return outcome(NOTES_OUTCOME_TRANSFERRED);
    return promise(call, summary);
}

bool promise(const voice_call_info_t *call, text_t reason) {
    if (!call->caller.is_some) {
        STEP(say(text("Сейчас никого нет. Пожалуйста, позвоните позже.")));
        return outcome(NOTES_OUTCOME_NOTHING);
    }
    callbacks_callback_t request = {.phone = call->caller.val, .reason = reason};
    callbacks_promise_t promised;
    TRY(callbacks_request, &request, &promised);
    STEP(say(text("Мы перезвоним вам не позже {}. До свидания!", moment(promised.due))));
    return outcome(NOTES_OUTCOME_CALLBACK);
}
