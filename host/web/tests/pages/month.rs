//! A clinic's month, made up: the same one for the tests and for looking at the pages.

use std::sync::Arc;

use desk::Clinic;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use records::{
    AgentSpan, AgentState, AttemptMade, BookingRecord, CallEnd, CallRecord, CallbackRecord, CallbackStatus, Change,
    ChatChange, ChatDelivery, ChatMessage, ChatState, ChatThread, ChatWho, ContactKind, ContactResult, FlowTrial,
    JournalRecord, NewContact, Outcome, Pii, Status, Store, Tag, TrialCall, Turn, WaitChange, WaitKind, Who,
};
use reports::{CategoryInfo, CountsAs};
use serde_json::json;

/// Monday 2026-11-23 11:20 in Moscow.
pub const NOW: i64 = 1_795_422_000_000;
pub const CLINIC: &str = "vet_lapa";
const ZONE: &str = "Europe/Moscow";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 86_400_000;

#[derive(serde::Deserialize)]
struct Taxonomy {
    category: Vec<Category>,
}

#[derive(serde::Deserialize)]
struct Category {
    id: String,
    title_ru: String,
    title_en: String,
    counts_as: CountsAs,
    #[serde(default)]
    may_sell: bool,
    #[serde(default)]
    may_book: bool,
    advice_ru: String,
    advice_en: String,
}

pub fn categories() -> Vec<CategoryInfo> {
    let taxonomy: Taxonomy = toml::from_str(include_str!("../../../../models/taxonomy.toml")).unwrap();
    let info = |c: Category| CategoryInfo {
        id: c.id,
        title_ru: c.title_ru,
        title_en: c.title_en,
        counts_as: c.counts_as,
        may_sell: c.may_sell,
        may_book: c.may_book,
        advice_ru: c.advice_ru,
        advice_en: c.advice_en,
    };
    taxonomy.category.into_iter().map(info).collect()
}

pub fn clinics() -> Vec<Arc<Clinic>> {
    let parse = |text: &str| Arc::new(Clinic::parse(text, "clinic.toml").unwrap());
    vec![
        parse(include_str!("../../../../clinics/vet_lapa.toml")),
        parse(include_str!("../../../../clinics/dent_smile.toml")),
    ]
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as i64
    }
}

/// How often, of a hundred; the caller's words; the robot's; what came of it.
const TALKS: [(&str, i64, &str, &str, Option<Outcome>); 10] = [
    (
        "target",
        44,
        "Здравствуйте, хочу записать кота к терапевту, он второй день не ест",
        "Могу предложить завтра в 10:30 к доктору Соколовой. Записать?",
        Some(Outcome::Booked),
    ),
    (
        "inpatient",
        9,
        "Как там наш Барсик, он у вас в стационаре лежит",
        "Сейчас соединю со стационаром.",
        Some(Outcome::Transferred),
    ),
    (
        "test_results",
        8,
        "Готовы ли анализы, сдавали кровь в пятницу",
        "Анализы будут готовы завтра после обеда, мы пришлём их сообщением.",
        Some(Outcome::Answered),
    ),
    (
        "doctor",
        8,
        "Мы были у вас на приёме, собаке стало хуже, можно доктора",
        "Передам врачу, он перезвонит в течение часа.",
        Some(Outcome::Callback),
    ),
    (
        "reschedule",
        9,
        "Хочу перенести запись с четверга на пятницу",
        "Есть пятница, 12:00. Переношу?",
        Some(Outcome::Moved),
    ),
    (
        "not_our_service",
        7,
        "Сколько стоит стрижка для шпица, груминг делаете?",
        "Груминга у нас нет. Могу подсказать по другим услугам.",
        Some(Outcome::NotOffered),
    ),
    (
        "feed_drugs",
        5,
        "Есть ли в наличии корм почечный для кошек",
        "Уточню в аптеке, оставайтесь на линии.",
        Some(Outcome::Transferred),
    ),
    (
        "callback_missed",
        4,
        "Вы мне звонили, а я пропустил",
        "Мы напоминали о приёме завтра в 9:00. Вы придёте?",
        Some(Outcome::Answered),
    ),
    (
        "advertising",
        3,
        "Предлагаем продвижение вашей клиники в картах",
        "Напишите нам на почту, пожалуйста. До свидания.",
        Some(Outcome::Nothing),
    ),
    ("no_topic", 3, "Алло, алло, это не такси?", "Это ветеринарная клиника. До свидания.", Some(Outcome::Nothing)),
];

/// Fills the store with so many days before [`NOW`], and the morning itself.
/// `words` are what somebody says, and what somebody is called.
pub async fn fill(store: &Store, days: i64, words: &str) {
    let mut dice = Dice(7);
    let today = date(2026, 11, 23);
    for back in (0..=days).rev() {
        let day = today.saturating_sub(back.days());
        let busy = [30, 24, 22, 22, 26, 18, 9][day.weekday().to_monday_zero_offset() as usize];
        let mut calls = Vec::new();
        for n in 0..busy + dice.roll(7) {
            let at = midnight(day) + 9 * HOUR + dice.roll(11 * 60) * MINUTE + dice.roll(MINUTE);
            // More in the morning.
            let at = if dice.roll(3) == 0 { midnight(day) + 9 * HOUR + dice.roll(150) * MINUTE } else { at };
            if at < NOW - 30 * MINUTE {
                calls.push(call(&mut dice, back, n, at));
            }
        }
        let records: Vec<CallRecord> = calls.iter().map(|(call, _)| call.clone()).collect();
        store.import_calls(&records).await.unwrap();
        let tags: Vec<Tag> =
            calls.iter().filter_map(|(call, tag)| Some(Tag { call: call.id.clone(), ..tag.clone()? })).collect();
        store.add_tags(&tags).await.unwrap();
        for (call, tag) in &calls {
            if let Some(tag) = tag {
                talk(store, &mut dice, call, &tag.category, back).await;
            }
        }
    }
    special(store, words).await;
    desk_of_today(store, words).await;
    people_to_call(store, words).await;
    written(store, words).await;
}

fn midnight(day: Date) -> i64 {
    day.in_tz(ZONE).unwrap().timestamp().as_millisecond()
}

fn call(dice: &mut Dice, back: i64, n: i64, at: i64) -> (CallRecord, Option<Tag>) {
    let mut record = CallRecord::import(format!("c-{back:03}-{n:03}"), CLINIC, ZONE, at, &format!("x-{back}-{n}"));
    record.caller = (dice.roll(25) > 0).then(|| format!("+7903{:07}", 1_000_000 + dice.roll(4_000) * 137).into());
    let longest = if dice.roll(5) == 0 { 90_000 } else { 14_000 };
    let wait = 2_000 + dice.roll(longest);
    record.queue_wait_ms = Some(wait);
    if dice.roll(100) < 7 {
        record.ended_ms = Some(at + wait);
        if dice.roll(3) == 0 {
            record.outcome = Some(Outcome::Callback);
        }
        return (record, None);
    }
    let mut pick = dice.roll(100);
    let talk = TALKS.iter().find(|talk| {
        pick -= talk.1;
        pick < 0
    });
    let (category, _, _, _, outcome) = talk.unwrap_or(&TALKS[0]);
    let long = 40_000 + dice.roll(220_000);
    record.answered_ms = Some(at + wait);
    record.ended_ms = Some(at + wait + long);
    record.agent = Some(["robot", "robot", "Ольга", "Марина"][dice.roll(4) as usize].to_owned());
    record.acw_ms = (record.agent.as_deref() != Some("robot")).then(|| 15_000 + dice.roll(30_000));
    record.outcome = if *category == "target" && dice.roll(100) > 62 { Some(Outcome::Answered) } else { *outcome };
    record.flow_digest =
        (record.agent.as_deref() == Some("robot")).then(|| "a1b2c3d4e5f60718293a4b5c6d7e8f90".repeat(2));
    let confidence =
        if dice.roll(12) == 0 { 0.3 + dice.roll(25) as f64 / 100.0 } else { 0.72 + dice.roll(27) as f64 / 100.0 };
    let words = TALKS.iter().find(|talk| talk.0 == *category).map_or("", |talk| talk.2);
    let evidence: String = words.split(", ").last().unwrap_or_default().chars().take(24).collect();
    let tag = Tag {
        call: String::new(),
        category: (*category).to_owned(),
        confidence,
        evidence: json!([{ "start": 0, "end": 5, "turn": 1, "text": evidence, "weight": 0.6 }]),
        taxonomy_version: "1".into(),
        model_version: "calls-1".into(),
        review: confidence < 0.56,
        by: "classifier".into(),
        at_ms: at + wait + long + 2_000,
    };
    (record, Some(tag))
}

async fn talk(store: &Store, dice: &mut Dice, call: &CallRecord, category: &str, back: i64) {
    let Some((_, _, asked, said, _)) = TALKS.iter().find(|talk| talk.0 == category) else { return };
    // Texts for the last week only: months of them make the tests slow and show nothing more.
    if back <= 6 {
        let lines = [
            (Who::Agent, "Ветклиника «Лапа», здравствуйте! Чем помочь?"),
            (Who::Caller, *asked),
            (Who::Agent, *said),
            (Who::Caller, "Да, хорошо, спасибо"),
        ];
        turns(store, &call.id, &lines).await;
    }
    if call.outcome == Some(Outcome::Booked) {
        let doctor = ["sokolova", "belov", "gromov"][dice.roll(3) as usize];
        let start_ms = (call.started_ms + DAY * (1 + dice.roll(3))) / HOUR * HOUR + 30 * MINUTE * dice.roll(2);
        let booking = BookingRecord {
            id: format!("v-{}", call.id),
            visit: format!("v-{}", call.id),
            clinic: CLINIC.into(),
            timezone: ZONE.into(),
            doctor: doctor.into(),
            service: "therapy".into(),
            start_ms,
            end_ms: start_ms + 30 * MINUTE,
            status: Status::Booked,
            phone: call.caller.clone().unwrap_or_else(|| "+79030000000".into()),
            person: ["Анна", "Пётр", "Марина Сергеевна", "Олег"][dice.roll(4) as usize].into(),
            animal: ["кот Барсик", "собака Джек", "кошка Муся", "шпиц Буся"][dice.roll(4) as usize].into(),
            reason: "не ест второй день".into(),
            call: Some(call.id.clone()),
            created_ms: call.started_ms + 60_000,
            updated_ms: call.started_ms + 60_000,
            ..BookingRecord::default()
        };
        store.book(&booking, "robot").await.unwrap();
        if start_ms < NOW - HOUR {
            let change = Change { at_ms: start_ms, by: "Ольга".into(), ..Change::default() };
            let what = dice.roll(10);
            // Some times were taken and were never booked: nothing to change then.
            let _ = match what {
                0 => store.set_booking_status(&booking.id, Status::NoShow, &change).await,
                1 => store.cancel(&booking.id, &Change { reason: "передумали".into(), ..change }).await,
                _ => store.set_booking_status(&booking.id, Status::Arrived, &change).await,
            };
        }
    }
}

async fn turns(store: &Store, call: &str, lines: &[(Who, &str)]) {
    let mut at = 1_000;
    for (seq, (who, text)) in lines.iter().enumerate() {
        let long = 1_200 + text.chars().count() as i64 * 55;
        let turn = Turn {
            call: call.to_owned(),
            seq: seq as i64,
            who: *who,
            text: (*text).into(),
            start_ms: at,
            end_ms: at + long,
            confidence: (*who == Who::Caller).then_some(0.86),
            latency_ms: (*who == Who::Agent && seq > 0).then_some(640),
        };
        store.add_turn(turn).await.unwrap();
        at += long + 500;
    }
}

/// One call with everything: sound, a journal, a visit, and words that would break a careless page.
/// A newer version was tried on the special call: it asks in other words and books another time.
async fn tried(store: &Store, words: &str) {
    let trial = FlowTrial {
        id: "trial-1".into(),
        clinic: CLINIC.into(),
        digest: "0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(2),
        from_ms: NOW - 7 * DAY,
        to_ms: NOW,
        by: words.into(),
        made_ms: NOW - 10 * MINUTE,
        ended_ms: Some(NOW - 9 * MINUTE),
        counts: [("identical".to_owned(), 211), ("wording-only".to_owned(), 14), ("effect-changed".to_owned(), 1)]
            .into(),
        unsteady: 0,
        unreadable: 0,
        problem: None,
    };
    store.begin_flow_trial(&trial).await.unwrap();
    let side = |seq: i64, text: &str| json!({ "seq": seq, "at_ms": seq * 4_000, "text": text });
    let rows = json!([
        { "mark": "same", "kind": "robot", "left": side(0, "сказал: «Ветклиника „Лапа“, здравствуйте!»"), "right": { "text": "сказал: «Ветклиника „Лапа“, здравствуйте!»" } },
        { "mark": "other-words", "kind": "robot", "left": side(1, "спросил: «Чем могу помочь?»"), "right": { "text": "спросил: «Расскажите, что случилось»" } },
        { "mark": "same", "kind": "caller", "left": side(1, words), "right": { "text": words } },
        { "mark": "new", "kind": "lookup", "left": null, "right": { "text": "искал время у терапевта, с 24 ноября" } },
        { "mark": "effect", "kind": "effect", "left": side(2, "записал: 24 ноября, 10:30, Соколова"), "right": { "text": "записал: 24 ноября, 12:00, Орлова" } },
        { "mark": "not-compared", "kind": "remark", "left": null, "right": { "text": "дальше не сравнить: этого звонящего не спрашивали" } },
    ]);
    let compared = json!({
        "call": "special", "recorded_by": ["vet-desk", "a1b2c3d4e5f60718293a4b5c6d7e8f90".repeat(2)],
        "verdict": "effect-changed", "line": "вместо 10:30 записал на 12:00", "rows": rows,
    });
    let call = TrialCall {
        call: "special".into(),
        verdict: "effect-changed".into(),
        steady: true,
        line: json!({ "ru": "вместо 10:30 записал на 12:00", "en": "booked 12:00 instead of 10:30" })
            .to_string()
            .into(),
        compared: json!({ "ru": compared, "en": compared }).to_string().into(),
    };
    store.end_flow_trial(&trial, &[call]).await.unwrap();
}

async fn special(store: &Store, words: &str) {
    let at = NOW - 25 * MINUTE;
    let mut call = CallRecord::live("special", CLINIC, ZONE, at);
    call.caller = Some("+79031234567".into());
    call.flow_digest = Some("a1b2c3d4e5f60718293a4b5c6d7e8f90".repeat(2));
    store.start_call(&call).await.unwrap();
    let lines = [
        (Who::Agent, "Ветклиника «Лапа», здравствуйте! Чем могу помочь?"),
        (Who::Caller, "Добрый день, сколько у вас стоит стрижка кота, и можно ли записаться на завтра"),
        (Who::Agent, "Груминга у нас нет. Могу записать на приём к терапевту: завтра в 10:30 или в 12:00."),
        (Who::Caller, words),
        (Who::Agent, "Простите, я вас не расслышал. Записать на завтра, на 10:30?"),
        (Who::Caller, "Да, давайте на десять тридцать, кота зовут Барсик"),
        (Who::Agent, "Записал: завтра, 24 ноября, 10:30, доктор Соколова. Ждём вас и Барсика!"),
    ];
    turns(store, "special", &lines).await;
    let end = CallEnd {
        ended_ms: at + 46_000,
        answered_ms: Some(at + 1_500),
        outcome: Some(Outcome::Booked),
        agent: Some("robot".into()),
        end_reason: Some("flow-ended".into()),
        queue_wait_ms: Some(1_500),
        ..CallEnd::default()
    };
    store.end_call("special", &end).await.unwrap();
    let tag = Tag {
        call: "special".into(),
        category: "not_our_service".into(),
        confidence: 0.47,
        evidence: json!([{ "turn": 1, "text": "стоит стрижка кота", "weight": 0.7 }, { "turn": 3, "text": "<script>", "weight": 0.1 }]),
        taxonomy_version: "1".into(),
        model_version: "calls-1".into(),
        review: true,
        by: "classifier".into(),
        at_ms: at + 50_000,
    };
    store.add_tag(&tag).await.unwrap();
    let steps = [
        (json!({"function": "voice.call"}), json!({"function": "voice.call", "result": {"caller": "+79031234567"}})),
        (
            json!({"function": "voice.ask", "args": {"question": {"text": "Чем могу помочь?"}}}),
            json!({"function": "voice.ask", "result": {"Ok": {"speech": {"text": words, "confidence": 0.6}}}}),
        ),
        (
            json!({"function": "appointments.book", "args": {"slot": "s1"}}),
            json!({"function": "appointments.book", "result": {"Err": "taken"}}),
        ),
        (json!({"function": "voice.hang-up"}), json!({"function": "voice.hang-up", "result": {"Ok": null}})),
    ];
    for (seq, (request, reply)) in steps.iter().enumerate() {
        let entry = JournalRecord {
            call: "special".into(),
            seq: seq as i64,
            request: request.to_string().into(),
            reply: reply.to_string().into(),
            at_ms: at + 2_000 + seq as i64 * 4_000,
            took_ms: 12,
        };
        store.add_journal(entry).await.unwrap();
    }
    let hash = store.put_audio(&sound(46), "stereo").await.unwrap();
    store.attach_audio("special", "stereo", &hash).await.unwrap();
    tried(store, words).await;
    // Another one of the same morning goes on.
    let mut live = CallRecord::live("live", CLINIC, ZONE, NOW - 70_000);
    live.caller = Some("+79035550142".into());
    live.answered_ms = Some(NOW - 68_000);
    live.agent = Some("robot".into());
    live.flow_digest = Some("a1b2c3d4e5f60718293a4b5c6d7e8f90".repeat(2));
    store.start_call(&live).await.unwrap();
    turns(
        store,
        "live",
        &[(Who::Agent, "Здравствуйте! Чем помочь?"), (Who::Caller, "У нас щенок, первая прививка, когда можно?")],
    )
    .await;
}

/// Speech-like noise, as a stereo file: the sides take turns.
fn sound(seconds: usize) -> Vec<u8> {
    let spec =
        hound::WavSpec { channels: 2, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut file = hound::WavWriter::new(&mut bytes, spec).unwrap();
    let mut dice = Dice(3);
    for n in 0..seconds * 8000 {
        let (second, t) = (n / 8000, n as f64 / 8000.0);
        let syllable = ((t * 9.0).sin().abs() * (t * 1.7).sin().abs() * 9_000.0) as i16;
        let noise = (dice.roll(2_000) - 1_000) as i16;
        let speaks = (second / 6).is_multiple_of(2);
        let voice = ((t * 2_000.0).sin() * f64::from(syllable)) as i16 + noise / 12;
        file.write_sample(if speaks { noise / 20 } else { voice }).unwrap();
        file.write_sample(if speaks { voice } else { 0 }).unwrap();
    }
    file.finalize().unwrap();
    bytes.into_inner()
}

async fn desk_of_today(store: &Store, words: &str) {
    for (n, (agent, state, since)) in
        [("Ольга", AgentState::Talking, 4), ("Марина", AgentState::Ready, 11), ("Денис", AgentState::Paused, 22)]
            .into_iter()
            .enumerate()
    {
        let span = AgentSpan {
            clinic: CLINIC.into(),
            agent: agent.into(),
            from_ms: NOW - 2 * HOUR + n as i64,
            until_ms: None,
            state: AgentState::Ready,
            reason: None,
            call: None,
        };
        store.set_agent_state(&span).await.unwrap();
        let reason = (state == AgentState::Paused).then(|| "обед".to_owned());
        store.set_agent_state(&AgentSpan { from_ms: NOW - since * MINUTE, state, reason, ..span }).await.unwrap();
    }
    for (n, (person, due)) in [("Анна", -35), ("", -4), (words, 25), ("Игорь Петрович", 90)].into_iter().enumerate()
    {
        let callback = CallbackRecord {
            id: format!("cb-{n}"),
            clinic: CLINIC.into(),
            timezone: ZONE.into(),
            phone: format!("+7916000000{n}").into(),
            person: person.into(),
            reason: "собаке стало хуже после укола".into(),
            due_ms: NOW + due * MINUTE,
            status: CallbackStatus::Open,
            attempts: n as i64 % 2,
            result: None,
            call: Some("special".into()),
            created_ms: NOW - HOUR,
            updated_ms: NOW - HOUR,
        };
        store.add_callback(&callback).await.unwrap();
    }
}

/// Requests of the site, missed calls and an unanswered reminder beside the promised call-backs.
async fn people_to_call(store: &Store, words: &str) {
    let wishes = [
        (ContactKind::Request, "+79167770001", "Светлана", "прививка щенку, после 18", -70, 40),
        (ContactKind::Request, "+79167770002", words, words, -20, 10),
        (ContactKind::Missed, "+79167770003", "", "", -12, 18),
        (ContactKind::Night, "+79167770004", "", "кошка рожает, 2:40 ночи", -140, -110),
        (ContactKind::Reminder, "+79167770005", "Павел", "", -60, 120),
    ];
    for (n, (kind, phone, person, reason, came, late)) in wishes.into_iter().enumerate() {
        let contact = NewContact {
            id: format!("entry-{n}"),
            clinic: CLINIC.into(),
            timezone: ZONE.into(),
            kind,
            phone: phone.into(),
            person: person.into(),
            reason: reason.into(),
            due_ms: NOW + came * MINUTE,
            deadline_ms: NOW + late * MINUTE,
            visit: None,
            call: None,
            message: None,
            dedup: None,
            created_ms: NOW + came * MINUTE,
        };
        store.add_contact(&contact).await.unwrap();
    }
    // One was tried, one is closed.
    let made = |result, next_ms| AttemptMade {
        result,
        visit: None,
        lost_reason: None,
        call: None,
        by: "Ольга".into(),
        next_ms,
        at_ms: NOW - 15 * MINUTE,
    };
    store.contact_attempt("entry-0", &made(ContactResult::NoAnswer, Some(NOW + 15 * MINUTE))).await.unwrap();
    store.contact_attempt("entry-3", &made(ContactResult::Booked, None)).await.unwrap();
}

/// Conversations: one waits for a person, one is the robot's.
async fn written(store: &Store, words: &str) {
    let talks: [(&str, ChatState, &str, Said<'_>); 2] = [
        (
            "chat-1",
            ChatState::Waiting,
            "Марина",
            &[
                (ChatWho::Robot, "Здравствуйте! Чем помочь?"),
                (ChatWho::Visitor, words),
                (ChatWho::Visitor, "У кота болит лапа, можно человека?"),
                (ChatWho::System, "Зову администратора, вам скоро ответят."),
            ],
        ),
        (
            "chat-2",
            ChatState::Robot,
            "",
            &[
                (ChatWho::Visitor, "Сколько стоит приём?"),
                (ChatWho::Robot, "Первичный приём стоит 1500 ₽. Записать вас?"),
            ],
        ),
    ];
    for (id, state, person, lines) in talks {
        let from = NOW - 3 * MINUTE;
        let message = |(n, (who, text)): (usize, &(ChatWho, &str))| ChatMessage {
            thread: id.into(),
            seq: n as i64 + 1,
            who: *who,
            operator: None,
            text: (*text).into(),
            buttons: if n == 0 && *who == ChatWho::Robot {
                vec!["Записаться".into(), "Часы работы".into()]
            } else {
                Vec::new()
            },
            canned: None,
            at_ms: from + n as i64 * 20_000,
            external_id: None,
            delivery: if *who == ChatWho::Visitor { ChatDelivery::In } else { ChatDelivery::Sent },
        };
        let thread = ChatThread {
            id: id.into(),
            clinic: CLINIC.into(),
            channel: "site".into(),
            external_id: Some(format!("key-of-{id}").into()),
            phone: Pii::default(),
            person: person.into(),
            state,
            operator: None,
            waiting_ms: (state == ChatState::Waiting).then_some(from + 40_000),
            promised: false,
            last_seq: lines.len() as i64,
            generation: 0,
            started_ms: from,
            visitor_ms: Some(from + 20_000),
            answered_ms: None,
            last_ms: from + 60_000,
        };
        let change = ChatChange {
            thread,
            messages: lines.iter().enumerate().map(message).collect(),
            waits: vec![WaitChange::Begin(WaitKind::First)],
            events: vec!["chat.message"],
            jobs: Vec::new(),
            at_ms: from + 20_000,
        };
        store.chat_apply(&change).await.unwrap();
    }
}

/// What was written in a conversation, by whom.
type Said<'a> = &'a [(ChatWho, &'a str)];
