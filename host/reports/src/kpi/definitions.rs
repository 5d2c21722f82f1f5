//! What every figure means and where its definition comes from: one list, shown on the page and by the API.

use serde::Serialize;

/// A formula with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// The figure's name in the JSON of a report (without `_ms`).
    pub id: &'static str,
    /// Russian title.
    pub title_ru: &'static str,
    /// English title.
    pub title_en: &'static str,
    /// The formula and its traps, in Russian.
    pub text_ru: &'static str,
    /// The formula and its traps, in English.
    pub text_en: &'static str,
    /// Who defines it so.
    pub source: &'static str,
}

/// Every figure, in the order of a report. T is the answer threshold, S the short-abandon limit.
pub fn definitions() -> &'static [Definition] {
    DEFINITIONS
}

/// One of them by id.
pub fn definition(id: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.id == id)
}

const DEFINITIONS: &[Definition] = &[
    Definition {
        id: "sl_offered",
        title_ru: "Уровень сервиса от всех звонков",
        title_en: "Service level of offered calls",
        text_ru: "Отвечены не позже чем через T / все поступившие (отвеченные и потерянные). Это число мы показываем первым.",
        text_en: "Answered within T / offered (answered and lost). The one we show first.",
        source: "RingCentral, includeAbandonedCalls = true, abandonedThresholdSeconds = 0",
    },
    Definition {
        id: "sl_answered",
        title_ru: "Уровень сервиса от отвеченных",
        title_en: "Service level of answered calls",
        text_ru: "Отвечены не позже чем через T / отвеченные. Потерянных не видит, поэтому льстит.",
        text_en: "Answered within T / answered. Blind to lost calls, so it flatters.",
        source: "Asterisk app_queue SL; Wazo qos",
    },
    Definition {
        id: "sl_offered_less_short",
        title_ru: "Уровень сервиса без коротких сбросов",
        title_en: "Service level less short abandons",
        text_ru: "Отвечены не позже чем через T / (отвеченные + потерянные после ожидания не меньше S).",
        text_en: "Answered within T / (answered + lost after waiting at least S).",
        source: "RingCentral, abandonedThresholdSeconds = S",
    },
    Definition {
        id: "sl2",
        title_ru: "Уровень сервиса SL2",
        title_en: "Service level SL2",
        text_ru: "(Отвечены не позже чем через T + положили трубку не позже чем через T) / все поступившие.",
        text_en: "(Answered within T + given up within T) / offered.",
        source: "Asterisk app_queue SL2 (queues.conf.sample)",
    },
    Definition {
        id: "lcr_gross",
        title_ru: "Доля потерянных (LCR), все",
        title_en: "Lost call rate, gross",
        text_ru: "Не отвеченные / все поступившие. Разговор с роботом — отвеченный звонок. Перезвонили потом или нет, здесь не учтено.",
        text_en: "Not answered / offered. A call the robot answered is answered. Whether somebody rang back later is not counted here.",
        source: "Amazon Connect and Wazo abandon rate; no formal source for the name LCR was found",
    },
    Definition {
        id: "lcr_net",
        title_ru: "Доля потерянных без коротких сбросов",
        title_en: "Lost call rate, net",
        text_ru: "Не отвеченные после ожидания не меньше S, кроме тех, кому обещан обратный звонок, / (все поступившие − короткие сбросы).",
        text_en: "Not answered after waiting at least S, save those promised a call-back, / (offered − short abandons).",
        source: "The same, with RingCentral's short-abandon rule; Amazon Connect does not count contacts queued for call-back as abandoned",
    },
    Definition {
        id: "asa",
        title_ru: "Среднее время до ответа (ASA)",
        title_en: "Average speed of answer (ASA)",
        text_ru: "Сумма ожидания отвеченных / отвеченные. Настоящее среднее, не скользящее.",
        text_en: "Σ wait of answered / answered. A true mean, not a moving one.",
        source: "Standard usage; Amazon Connect",
    },
    Definition {
        id: "abandon",
        title_ru: "Среднее терпение потерянных",
        title_en: "Average abandon time",
        text_ru: "Сумма ожидания потерянных / потерянные.",
        text_en: "Σ wait of lost / lost.",
        source: "Standard usage; Amazon Connect",
    },
    Definition {
        id: "att",
        title_ru: "Средний разговор (ATT)",
        title_en: "Average talk time (ATT)",
        text_ru: "Сумма разговора / отвеченные людьми; удержание не входит. Где на все звонки ответил робот — его разговоры.",
        text_en: "Σ talk / answered by people; hold is not talk. Where the robot answered every call: its talks.",
        source: "Standard usage",
    },
    Definition {
        id: "acw",
        title_ru: "Работа после звонка (ACW)",
        title_en: "After-call work (ACW)",
        text_ru: "Сумма работы после звонка / отвеченные людьми. Если её не измеряли ни разу — «нет данных», а не ноль.",
        text_en: "Σ after-call work / answered by people. Never measured means \"no data\", not nought.",
        source: "Standard usage",
    },
    Definition {
        id: "aht",
        title_ru: "Среднее время обработки (AHT)",
        title_en: "Average handling time (AHT)",
        text_ru: "(Сумма разговора + удержания + работы после звонка) / отвеченные людьми.",
        text_en: "(Σ talk + Σ hold + Σ after-call work) / answered by people.",
        source: "Standard usage; Amazon Connect",
    },
    Definition {
        id: "occupancy",
        title_ru: "Занятость операторов",
        title_en: "Occupancy",
        text_ru: "(Разговор + удержание + работа после звонка) / (то же + свободное ожидание звонка). Паузы не входят. \
                  Свободное ожидание включает звонящий телефон; время берётся из журнала операторов, без него — «нет данных».",
        text_en: "(Talk + hold + after-call work) / (the same + available idle time). Pauses are outside. \
                  Idle includes a ringing phone; times are from the operators' log, without it: \"no data\".",
        source: "Standard usage",
    },
    Definition {
        id: "first_time",
        title_ru: "Первичные и повторные",
        title_en: "First-time and repeat callers",
        text_ru: "Первичный — номер раньше не звонил в эту клинику. Скрытые номера отдельно.",
        text_en: "First-time = the number had never called this clinic. Withheld numbers are apart.",
        source: "Gudok",
    },
    Definition {
        id: "booking_rate",
        title_ru: "Конверсия звонка в запись",
        title_en: "Call to booking",
        text_ru: "Звонки, в которых записались (и не отменили) / целевые звонки. Запись относится к звонку, в котором её сделали.",
        text_en: "Calls with a booking (not called off) / target calls. A booking belongs to the call it was made in.",
        source: "Gudok",
    },
    Definition {
        id: "arrival_rate",
        title_ru: "Конверсия записи в приём",
        title_en: "Booking to visit",
        text_ru: "Пришли / записались. Будущие приёмы ещё не состоялись, поэтому у свежего периода доля растёт.",
        text_en: "Arrived / booked. Visits still to come have not taken place yet, so a fresh period's rate grows.",
        source: "Gudok",
    },
    Definition {
        id: "non_target",
        title_ru: "Нецелевые звонки",
        title_en: "Non-target calls",
        text_ru: "Звонки категорий, которые не могут привести к приёму / звонки, у которых есть категория. Минуты — разговор, \
                  удержание и работа после звонка; деньги — минуты × цена минуты, точно, с одним округлением до копейки.",
        text_en: "Calls of categories that cannot lead to a visit / calls that have a category. Minutes are talk, hold and \
                  after-call work; money is minutes × price of a minute, exact, rounded once to the minor unit.",
        source: "Taxonomy of a veterinary call centre",
    },
    Definition {
        id: "staffing",
        title_ru: "Сколько людей нужно",
        title_en: "People needed",
        text_ru: "Erlang C по среднему числу звонков этого часа и среднему времени обработки: наименьшее число людей, при \
                  котором 80 % звонков отвечены за T и занятость не выше 85 %.",
        text_en: "Erlang C on this hour's mean number of calls and the average handling time: the fewest people with 80% of \
                  calls answered within T and occupancy of at most 85%.",
        source: "A. K. Erlang 1917; IBM erlangC takes the same inputs",
    },
];
