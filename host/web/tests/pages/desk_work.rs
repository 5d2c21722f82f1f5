//! Calls to make, conversations to answer, and one person's page, as those at the desk work with them.

use std::collections::BTreeSet;

use axum::http::{Request, StatusCode, header};
use records::{CallbackStatus, ChatState, ContactResult, Keyring, Pii, Purpose};
use web::auth::{Grant, Role};

use crate::{Site, month, session};

const DESK: &str = "/desk/vet_lapa";

/// Somebody else at the desk.
async fn colleague(site: &Site, role: Role) -> String {
    session(&site.state, vec![Grant { clinic: month::CLINIC.into(), role }]).await
}

impl Site {
    /// A form sent by whoever holds the session, with the token of a page of theirs.
    async fn post_by(&self, secret: &str, path: &str, form: &str) -> crate::Answer {
        let page = self.get_by(secret, &format!("{DESK}/visits")).await;
        let request = Request::post(path)
            .header(header::COOKIE, format!("gudok={secret}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = format!("csrf={}&{form}", page.token());
        self.answer(request.body(axum::body::Body::from(body)).unwrap()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_everybody_with_what_is_late_and_how_it_goes() {
    let site = Site::new().await;
    let text = site.get(&format!("{DESK}/requests")).await.text();
    for needed in
        ["заявка с сайта", "пропущенный", "нет ответа на напоминание", "обещали перезвонить", "прививка щенку"]
    {
        assert!(text.contains(needed), "{needed} is missing");
    }
    assert!(text.contains("первичные → запись") && text.contains("цель 80"), "{text}");
    // Of four who came by themselves and four promises, the night call was booked.
    let done = site.get(&format!("{DESK}/requests?view=done")).await.text();
    assert!(done.contains("записали") && done.contains("кошка рожает"), "{done}");
    let only = site.get(&format!("{DESK}/requests?view=open&kind=missed")).await.text();
    assert!(!only.contains("прививка щенку"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_after_another_until_everybody_was_called() {
    let site = Site::new().await;
    let start = site.get(&format!("{DESK}/dial")).await;
    let token = start.token();
    let mut place = site.post(&format!("{DESK}/dial/next"), &format!("csrf={token}")).await;
    let mut called = BTreeSet::new();
    while place.header("location").contains("?id=") {
        let page = site.get(place.header("location")).await.text();
        assert!(page.contains("data-key=\"6\"") && page.contains("tel:+7"), "{page}");
        let id = place.header("location").split("?id=").nth(1).unwrap().to_owned();
        assert!(called.insert(id.clone()), "{id} came twice");
        let action = format!("{DESK}/requests/{id}/result");
        let wrong = site.post(&action, &format!("csrf={token}&result=made-up")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        place = site.post(&action, &format!("csrf={token}&result=reached")).await;
        assert_eq!(place.status, StatusCode::SEE_OTHER, "{}", place.text());
    }
    // Two promises are of this morning, and three others were due; one is due later, and one was tried just now.
    assert!(called.len() >= 4, "{called:?}");
    assert!(site.get(&format!("{DESK}/dial")).await.text().contains("Всем позвонили"));
    for id in called {
        assert_eq!(site.state.store.contact(&id).await.unwrap().status, CallbackStatus::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_never_hold_one_entry() {
    let site = Site::new().await;
    let people = [colleague(&site, Role::Administrator).await, colleague(&site, Role::Administrator).await];
    // Both have one name, and are two people all the same.
    let take = format!("{DESK}/requests/entry-1/take");
    let answers = [site.post_by(&people[0], &take, "").await, site.post_by(&people[1], &take, "").await];
    assert_eq!(answers[0].header("location"), format!("{DESK}/dial?id=entry-1"));
    assert_eq!(answers[1].header("location"), format!("{DESK}/requests?notice=taken"));
    let refused = site.post_by(&people[1], &format!("{DESK}/requests/entry-1/result"), "result=busy").await;
    assert!(refused.header("location").contains("notice=taken"));
    assert_eq!(site.state.store.contact("entry-1").await.unwrap().attempts, 0);
    let seen = site.get_by(&people[1], &format!("{DESK}/dial?id=entry-1")).await.text();
    assert!(seen.contains("Двое одному человеку не звонят") && !seen.contains("name=\"result\""));
    // Whoever asks for the next at the same moment gets another.
    let next = format!("{DESK}/dial/next");
    let mut held = BTreeSet::from(["entry-1".to_owned()]);
    let (one, other) =
        tokio::join!(site.post_by(&people[1], &next, ""), site.post_by(&people[1], &next, "after=entry-1"));
    for answer in [one, other] {
        let id = answer.header("location").split("?id=").nth(1).unwrap_or_default().to_owned();
        assert_ne!(id, "entry-1");
        held.insert(id);
    }
    // Given free, it is anybody's.
    site.post_by(&people[0], &format!("{DESK}/requests/entry-1/release"), "").await;
    let again = site.post_by(&people[1], &take, "").await;
    assert_eq!(again.header("location"), format!("{DESK}/dial?id=entry-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_asks_for_its_reason_and_later_for_its_hour() {
    let site = Site::new().await;
    let token = site.get(&format!("{DESK}/dial")).await.token();
    let of = |id: &str, what: &str| format!("{DESK}/requests/{id}/{what}");
    site.post(&of("entry-1", "take"), &format!("csrf={token}")).await;
    let asked = site.post(&of("entry-1", "result"), &format!("csrf={token}&result=refused")).await;
    assert_eq!(asked.header("location"), format!("{DESK}/dial?id=entry-1&refused=1"));
    let page = site.get(asked.header("location")).await.text();
    assert!(page.contains("name=\"reason\" value=\"дорого\" data-key=\"1\""), "{page}");
    let reason = "%D0%B4%D0%BE%D1%80%D0%BE%D0%B3%D0%BE";
    let done = site.post(&of("entry-1", "result"), &format!("csrf={token}&result=refused&reason={reason}")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let closed = site.state.store.contact("entry-1").await.unwrap();
    assert_eq!((closed.status, closed.lost_reason.as_deref()), (CallbackStatus::Done, Some("дорого")));

    site.post(&of("entry-2", "take"), &format!("csrf={token}")).await;
    let form = format!("csrf={token}&result={}&at=2026-11-24T15:00", ContactResult::Later);
    site.post(&of("entry-2", "result"), &form).await;
    let later = site.state.store.contact("entry-2").await.unwrap();
    let at = jiff::civil::date(2026, 11, 24).at(15, 0, 0, 0).in_tz("Europe/Moscow").unwrap();
    assert_eq!((later.status, later.next_ms), (CallbackStatus::Open, at.timestamp().as_millisecond()));
    // Another clinic's entry is not there.
    let foreign = site.post("/desk/dent_smile/requests/entry-2/take", &format!("csrf={token}")).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_taken_answered_and_given_back() {
    let mut site = Site::new().await;
    site.state.robot_writes = true;
    let list = site.get(&format!("{DESK}/chat")).await;
    let (text, token) = (list.text(), list.token());
    assert!(
        text.contains("Ждут человека") && text.contains("С роботом") && text.contains("Отвечено за минуту"),
        "{text}"
    );
    let of = |what: &str| format!("{DESK}/chat/chat-1/{what}");
    let said = site.post(&of("say"), &format!("csrf={token}&text=%D0%94%D0%B0")).await;
    assert_eq!(said.header("location"), format!("{DESK}/chat/chat-1"));
    let thread = site.state.store.chat_thread("chat-1").await.unwrap();
    assert_eq!(thread.state, ChatState::Person);
    let page = site.get(&format!("{DESK}/chat/chat-1")).await.text();
    assert!(page.contains("Отвечаете вы") && page.contains("<p>Да</p>") && page.contains("Записаться"), "{page}");

    // Nobody else answers there meanwhile.
    let other = colleague(&site, Role::Administrator).await;
    let refused = site.post_by(&other, &of("say"), "text=no").await;
    assert_eq!(refused.header("location"), format!("{DESK}/chat/chat-1?refused=held"));
    assert!(site.get_by(&other, refused.header("location")).await.text().contains("отвечает другой человек"));

    let canned = site.state.clinics[month::CLINIC].canned[0].id.clone();
    site.post(&of("say"), &format!("csrf={token}&canned={canned}")).await;
    let messages = site.state.store.chat_messages("chat-1", 0, 100).await.unwrap();
    assert_eq!(messages.last().unwrap().canned.as_deref(), Some(canned.as_str()));
    site.post(&of("who"), &format!("csrf={token}&phone=89031234567&person=%D0%90")).await;
    site.post(&of("back"), &format!("csrf={token}")).await;
    let thread = site.state.store.chat_thread("chat-1").await.unwrap();
    assert_eq!((thread.state, thread.phone.as_str()), (ChatState::Robot, "+79031234567"));
    site.post(&of("take"), &format!("csrf={token}")).await;
    site.post(&of("close"), &format!("csrf={token}")).await;
    assert_eq!(site.state.store.chat_thread("chat-1").await.unwrap().state, ChatState::Closed);
    let foreign = site.get("/desk/dent_smile/chat/chat-1").await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_seen_at_once() {
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;
    let site = Site::new().await;
    let secret = session(&site.state, vec![Grant::owner_of_everything()]).await;
    let request = Request::get(format!("{DESK}/chat/stream?thread=chat-2")).header("cookie", format!("gudok={secret}"));
    let response =
        web::router(site.state.clone()).oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let mut seen = String::new();
    let mut until = async |what: &str| {
        while !seen.contains(what) {
            seen.push_str(&String::from_utf8_lossy(&body.next().await.unwrap().unwrap()));
        }
    };
    until("Первичный приём").await;
    let office = chat::Office::new(site.state.store.clone(), site.state.clinics[month::CLINIC].clone(), true);
    let wrote = chat::Incoming {
        channel: "site".into(),
        conversation: "key-of-chat-2".into(),
        message: None,
        text: "а вечером\r\nможно?".into(),
        name: Pii::default(),
        phone: None,
    };
    office.visitor(&wrote, month::NOW).await.unwrap();
    until("а вечером").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_what_they_agree_to_and_is_forgotten_at_their_wish() {
    let mut site = Site::new().await;
    let keys = tempfile::tempdir().unwrap();
    site.state.store = site.state.store.clone().with_keyring(Keyring::new(keys.path()));
    let lead = site.get(&format!("{DESK}/people/call/special")).await;
    assert_eq!(lead.status, StatusCode::SEE_OTHER, "{}", lead.text());
    let own = lead.header("location").to_owned();
    assert!(!own.contains("903"), "no number stands in an address: {own}");
    let page = site.get(&own).await;
    let (text, token) = (page.text(), page.token());
    assert!(text.contains("123-45-67") && text.contains("Согласия") && text.contains("Кто смотрел"), "{text}");
    assert!(text.contains("/desk/vet_lapa/calls/special"));

    let number = Pii::from("+79031234567");
    for (said, given) in [("yes", true), ("no", false)] {
        let done = site.post(&format!("{own}/consent"), &format!("csrf={token}&purpose=marketing&given={said}")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let stands = site.state.store.consent(month::CLINIC, &number, Purpose::Marketing).await.unwrap().unwrap();
        assert_eq!(stands.given, given);
    }
    let looked = site.get(&own).await.text();
    assert!(looked.contains("записал(а) согласие") && looked.contains("Анна Сергеевна"), "{looked}");

    // A form of a file for who may, erasing for who runs the clinic.
    let manager = colleague(&site, Role::Manager).await;
    assert!(site.get_by(&manager, &own).await.text().contains("/erase\""));
    assert_eq!(site.get_by(&manager, &format!("{own}/erase")).await.status, StatusCode::OK);
    let zip = site.post(&format!("{own}/export"), &format!("csrf={token}")).await;
    assert!(zip.bytes.starts_with(b"PK") && zip.header("content-disposition").contains(".zip"));
    let administrator = colleague(&site, Role::Administrator).await;
    let theirs = site.get_by(&administrator, &own).await.text();
    assert!(!theirs.contains("/erase\"") && !theirs.contains("Кто смотрел"), "{theirs}");
    for what in ["export", "erase"] {
        let refused = site.post_by(&administrator, &format!("{own}/{what}"), "phone=%2B79031234567").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{what}");
    }
    let wrong = site.post(&format!("{own}/erase"), &format!("csrf={token}&phone=%2B79031234568")).await;
    assert!(wrong.header("location").ends_with("notice=number"));
    assert!(!site.state.store.consents(month::CLINIC, &number).await.unwrap().is_empty());
    let gone = site.post(&format!("{own}/erase"), &format!("csrf={token}&phone=8+903+123-45-67")).await;
    assert_eq!(gone.header("location"), format!("{DESK}/people?notice=erased"), "{}", gone.text());
    assert_eq!(site.get(&own).await.status, StatusCode::NOT_FOUND);
    let again = site.post(&format!("{DESK}/people"), &format!("csrf={token}&phone=89031234567")).await;
    assert!(again.header("location").contains("notice=unknown"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_booked_and_moved_by_pressing_a_free_time() {
    let site = Site::new().await;
    let first = |page: &str| {
        let (_, rest) = page.split_once("name=\"slot\" value=\"").unwrap_or_else(|| panic!("no free time: {page}"));
        rest.split('"').next().unwrap().replace('|', "%7C").replace('+', "%2B").replace(':', "%3A")
    };
    let page = site.get(&format!("{DESK}/visits/new?entry=entry-1")).await;
    let token = page.token();
    let form = format!("csrf={token}&entry=entry-1&phone=%2B79167770002&person=Anna&slot={}", first(&page.text()));
    let booked = site.post(&format!("{DESK}/visits/new"), &form).await;
    assert_eq!(booked.header("location"), format!("{DESK}/dial?id=entry-1"), "{}", booked.text());
    let visits = site.state.store.bookings_of(month::CLINIC, &"+79167770002".into()).await.unwrap();
    assert_eq!(visits.len(), 1);
    let taken = site.post(&format!("{DESK}/visits/new"), &form).await;
    assert!(taken.header("location").contains("refused="), "{}", taken.text());

    // The result of the call knows of the visit.
    site.post(&format!("{DESK}/requests/entry-1/take"), &format!("csrf={token}")).await;
    site.post(&format!("{DESK}/requests/entry-1/result"), &format!("csrf={token}&result=booked")).await;
    let entry = site.state.store.contact("entry-1").await.unwrap();
    assert_eq!(entry.visit.as_deref(), Some(visits[0].visit.as_str()));

    let own = format!("{DESK}/visits/{}", visits[0].id);
    let page = site.get(&format!("{own}?doctor=any&from=2026-12-02")).await.text();
    let moved = site.post(&format!("{own}/move"), &format!("csrf={token}&slot={}", first(&page))).await;
    assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text());
    let there = site.state.store.visit(&visits[0].visit).await.unwrap();
    let day = jiff::Timestamp::from_millisecond(there.start_ms).unwrap().in_tz("Europe/Moscow").unwrap().date();
    assert_eq!(day, jiff::civil::date(2026, 12, 2));
}
