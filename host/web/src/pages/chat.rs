//! Written conversations: who waits, who is with whom, what was said; taken from the robot, answered, given back, live.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use chat::ChatError;
use chat::kpi::{Answered, LIMIT_MS, answered_within};
use futures_util::stream;
use maud::{Markup, html};
use records::{ChatDelivery, ChatMessage, ChatState, ChatThread, ChatWho, Pii, RecordsError, WaitKind};
use reports::Period;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, phone, token};
use super::names::Names;
use super::requests::person_link;
use crate::auth::Permission;
use crate::{AppState, Problem};

/// A stream ends after this and the browser asks anew, so that whoever may no longer look sees no more.
const STREAM: Duration = Duration::from_secs(120);
/// What another process wrote is found by looking; and waits grow.
const LOOK: Duration = Duration::from_secs(1);
/// Whatever happens in the clinic rings the bell; it is looked no oftener than this.
const REST: Duration = Duration::from_millis(100);
/// Conversations of a kind on the page, and messages of one.
const MOST: u32 = 40;
const MESSAGES: i64 = 300;
/// The longest answer, in characters.
const MOST_CHARS: usize = 4_000;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/chat", get(list))
        .route("/desk/{clinic}/chat/stream", get(follow))
        .route("/desk/{clinic}/chat/{thread}", get(one))
        .route("/desk/{clinic}/chat/{thread}/say", post(say))
        .route("/desk/{clinic}/chat/{thread}/take", post(take))
        .route("/desk/{clinic}/chat/{thread}/back", post(give_back))
        .route("/desk/{clinic}/chat/{thread}/close", post(close))
        .route("/desk/{clinic}/chat/{thread}/who", post(identify))
}

/// A conversation of this clinic; of another, it does not exist.
async fn find(desk: &Desk, id: &str) -> Result<ChatThread, Problem> {
    match desk.state.store.chat_thread(id).await {
        Ok(thread) if thread.clinic == desk.clinic.id => Ok(thread),
        Ok(_) | Err(RecordsError::NotFound { .. }) => Err(Problem::no_such_page()),
        Err(error) => Err(error.into()),
    }
}

async fn list(desk: Desk) -> Result<Response, Problem> {
    desk.check(Permission::Chat)?;
    let t = desk.words();
    let (threads, minute) = (threads(&desk, None).await?, minute(&desk).await?);
    let body = html! {
        (head(t.chat, &minute))
        div.chat data-stream=(desk.path("chat/stream")) data-now=(desk.now_ms()) {
            nav.threads aria-label=(t.conversations) data-part="threads" { (threads) }
            section.talk.nobody { div.empty { p { b { (t.choose_chat) } } p { (t.chat_how) } @if desk.clinic.canned.is_empty() { p { (t.no_canned) } } } }
        }
    };
    Ok(page(&desk, Place::Chat, t.chat, &body))
}

async fn one(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::Chat)?;
    let t = desk.words();
    let thread = find(&desk, &id).await?;
    desk.witness("chat.seen", "chat", &id).await?;
    let asked = Fields::new(asked);
    let (threads, messages) = (threads(&desk, Some(&id)).await?, messages(&desk, &thread).await?);
    let (holder, minute) = (holder(&desk, &thread).await?, minute(&desk).await?);
    let base = desk.path(&format!("chat/{}", encoded(&id)));
    let body = html! {
        (head(t.chat, &minute))
        div.chat.open data-stream=(format!("{}?thread={}", desk.path("chat/stream"), encoded(&id))) data-now=(desk.now_ms()) {
            nav.threads aria-label=(t.conversations) data-part="threads" { (threads) }
            section.talk aria-labelledby="who" {
                p.trail { a href=(desk.path("chat")) { "← " (t.conversations) } }
                h2 #who { (visitor(&desk, &thread)) }
                (refusal(&desk, &asked))
                div data-part="holder" { (holder) }
                div.messages data-part="messages" data-follow role="log" aria-live="polite" aria-label=(t.messages) tabindex="0" { (messages) }
                @if !desk.clinic.canned.is_empty() {
                    form.canned method="post" action=(format!("{base}/say")) data-quick {
                        (token(&desk))
                        @for (n, canned) in desk.clinic.canned.iter().enumerate() {
                            button.quiet type="submit" name="canned" value=(canned.id) title=(canned.text) data-key=[(n < 9).then_some(n + 1)] { @if n < 9 { kbd { (n + 1) } } (canned.title) }
                        }
                    }
                }
                form.write method="post" action=(format!("{base}/say")) data-quick {
                    (token(&desk))
                    label.hidden for="answer" { (t.your_answer) }
                    textarea #answer name="text" rows="2" maxlength=(MOST_CHARS) placeholder=(t.your_answer) data-search data-enter autofocus required {}
                    button type="submit" { (t.send) }
                }
                (who_is_it(&desk, &thread, &base))
            }
        }
    };
    Ok(page(&desk, Place::Chat, t.chat, &body))
}

/// The share that was answered within a minute, today and over a week.
async fn minute(desk: &Desk) -> Result<Markup, Problem> {
    let t = desk.words();
    let now = desk.now_ms();
    let share = async |days: i64| -> Result<(Answered, Answered), Problem> {
        let from = desk.today().saturating_sub(jiff::Span::new().days(days - 1));
        let (from, to) = Period { from, to: desk.today() }.bounds(&desk.clinic.timezone)?;
        let waits = desk.state.store.chat_waits(&desk.clinic.id, from, to).await?;
        let of = |kind| answered_within(&waits, kind, LIMIT_MS, now);
        Ok((of(WaitKind::First), of(WaitKind::Person)))
    };
    let said = |figure: &Answered| {
        let share = figure
            .share
            .map_or_else(|| "—".to_owned(), |share| format!("{:.0}{}", share * 100.0, desk.lang.pick("\u{a0}%", "%")));
        format!("{share} ({})", figure.waits)
    };
    let (today, week) = (share(1).await?, share(7).await?);
    Ok(html! {
        span.soft { (t.within_minute) ": " (t.today_small) " " b { (said(&today.0)) } ", " (t.by_people) " " b { (said(&today.1)) } "; " (t.seven_days) " " (said(&week.0)) ", " (t.by_people) " " (said(&week.1)) }
    })
}

/// What was not done, and why.
fn refusal(desk: &Desk, asked: &Fields) -> Markup {
    let t = desk.words();
    let said = match asked.get("refused") {
        Some("held") => t.chat_held,
        Some("state") => t.chat_changed,
        Some("phone") => t.no_number_that,
        _ => return html! {},
    };
    html! { p.notice.bad role="alert" { (said) } }
}

fn visitor(desk: &Desk, thread: &ChatThread) -> String {
    match (thread.person.is_empty(), thread.phone.is_empty()) {
        (false, _) => thread.person.as_str().to_owned(),
        (true, false) => phone(thread.phone.as_str()),
        (true, true) => format!("{} {}", desk.words().visitor_of, desk.clock(thread.started_ms)),
    }
}

fn channel<'a>(desk: &Desk, thread: &'a ChatThread) -> &'a str {
    if thread.channel == chat::SITE { desk.words().from_site } else { thread.channel.as_str() }
}

/// All conversations there are just now, those who wait on top.
async fn threads(desk: &Desk, open: Option<&str>) -> Result<Markup, Problem> {
    let t = desk.words();
    let store = &desk.state.store;
    let clinic = desk.clinic.id.as_str();
    let of = |state| store.chat_threads(clinic, state, MOST);
    let (waiting, persons, robots, closed) =
        tokio::try_join!(of(ChatState::Waiting), of(ChatState::Person), of(ChatState::Robot), of(ChatState::Closed))?;
    let me = desk.viewer.user.as_str();
    let (mine, others): (Vec<_>, Vec<_>) = persons.into_iter().partition(|one| one.operator.as_deref() == Some(me));
    let names = Names::of(desk).await?;
    let groups = [
        (t.c_waiting, waiting, "waits"),
        (t.c_mine, mine, ""),
        (t.c_others, others, ""),
        (t.c_robot, robots, ""),
        (t.c_closed, closed.into_iter().take(12).collect(), ""),
    ];
    // Who opened the chat and wrote nothing is no conversation yet.
    let wrote = |thread: &&ChatThread| thread.visitor_ms.is_some();
    let nobody = groups.iter().all(|(_, threads, _)| !threads.iter().any(|one| wrote(&one)));
    Ok(html! {
        @if nobody { p.note { (t.no_chats) } p.note { (t.no_chats_why) } }
        @for (title, threads, tone) in &groups {
            @if threads.iter().any(|one| wrote(&one)) {
                h3 { (title) " " span class={ "count " (tone) } { (threads.iter().filter(wrote).count()) } }
                ul.plain-list { @for thread in threads.iter().filter(wrote) {
                    li { a.thread href=(desk.path(&format!("chat/{}", encoded(&thread.id)))) data-line data-waits[thread.state == ChatState::Waiting] aria-current=[(open == Some(thread.id.as_str())).then_some("true")] {
                        b { (visitor(desk, thread)) }
                        span.soft { (channel(desk, thread)) }
                        @if let Some(since) = thread.waiting_ms { span.waits { (t.waits_for) " " span data-since=(since) { (desk.clock(since)) } } }
                        @else { span.soft { (desk.clock(thread.last_ms)) @if let Some(operator) = thread.operator.as_deref().filter(|operator| *operator != me) { ", " (names.get(desk, operator)) } } }
                        @if thread.promised { span.bad { (t.promised_call) } }
                        @if answer_due(thread) && thread.waiting_ms.is_none() { span.waits { (t.unanswered) } }
                    } }
                } }
            }
        }
    })
}

/// The visitor wrote last, to a person.
fn answer_due(thread: &ChatThread) -> bool {
    thread.state == ChatState::Person && thread.visitor_ms > thread.answered_ms
}

/// Who answers, and what can be done about it.
async fn holder(desk: &Desk, thread: &ChatThread) -> Result<Markup, Problem> {
    let t = desk.words();
    let names = Names::of(desk).await?;
    let mine = thread.operator.as_deref() == Some(desk.viewer.user.as_str());
    let base = desk.path(&format!("chat/{}", encoded(&thread.id)));
    let button = |what: &str, word: &str, class: &str, key: &str| {
        html! { form method="post" action=(format!("{base}/{what}")) { (token(desk)) button class=(class) type="submit" data-press=(key) { (word) " " kbd { (key) } } } }
    };
    let back = desk.state.robot_writes && (mine || thread.state == ChatState::Waiting);
    Ok(html! {
        div.actions {
            span.state-word {
                @match thread.state {
                    ChatState::Robot => (t.robot_answers),
                    ChatState::Waiting => span.waits { (t.waits_for_person) },
                    ChatState::Person if mine => (t.you_answer),
                    ChatState::Person => { (t.answers_there) " " (names.get(desk, thread.operator.as_deref().unwrap_or_default())) }
                    ChatState::Closed => (t.chat_closed),
                }
            }
            @if matches!(thread.state, ChatState::Robot | ChatState::Waiting) { (button("take", t.take_it, "", "t")) }
            @if back { (button("back", t.to_robot, "quiet", "b")) }
            @if thread.state != ChatState::Closed && (mine || thread.state != ChatState::Person) { (button("close", t.close_chat, "quiet", "x")) }
        }
    })
}

async fn messages(desk: &Desk, thread: &ChatThread) -> Result<Markup, Problem> {
    let t = desk.words();
    let names = Names::of(desk).await?;
    let from = (thread.last_seq - MESSAGES).max(0);
    let said = desk.state.store.chat_messages(&thread.id, from, MESSAGES as u32).await?;
    let who = |message: &ChatMessage| match (message.who, message.operator.as_deref()) {
        (ChatWho::Visitor, _) => visitor(desk, thread),
        (ChatWho::Operator, Some(operator)) => names.get(desk, operator).to_owned(),
        (ChatWho::Operator, None) => t.clinic_side.to_owned(),
        (ChatWho::Robot, _) => t.robot.to_owned(),
        (ChatWho::System, _) => String::new(),
    };
    let side = |message: &ChatMessage| match message.who {
        ChatWho::Visitor => "them",
        ChatWho::Operator | ChatWho::Robot => "us",
        ChatWho::System => "system",
    };
    Ok(html! {
        @if from > 0 { p.note { (t.earlier_left_out) } }
        @if said.is_empty() { p.note { (t.nothing_written) } }
        ol { @for message in &said {
            li class=(side(message)) {
                @if message.who == ChatWho::System { span.soft { (message.text.as_str()) } }
                @else {
                    span.by { (who(message)) " · " (desk.clock(message.at_ms)) }
                    p { (message.text.as_str()) }
                    @if !message.buttons.is_empty() { div.chips { @for button in &message.buttons { span.chip { (button) } } } }
                    @match message.delivery { ChatDelivery::Failed => span.bad { (t.not_delivered) }, ChatDelivery::Queued => span.soft { (t.on_its_way) }, _ => {} }
                }
            }
        } }
    })
}

/// The visitor's number and name, as far as they are known, and where to note them.
fn who_is_it(desk: &Desk, thread: &ChatThread, base: &str) -> Markup {
    let t = desk.words();
    html! {
        details.card {
            summary { (t.who_is_it) @if !thread.phone.is_empty() { ": " (phone(thread.phone.as_str())) } }
            div {
                @if !thread.phone.is_empty() { p { (person_link(desk, "chat", &thread.id, &thread.phone)) } }
                form.fields method="post" action=(format!("{base}/who")) {
                    (token(desk))
                    label { span { (t.number) } input name="phone" inputmode="tel" required value=(thread.phone.as_str()) autocomplete="off"; }
                    label { span { (t.name) } input name="person" value=(thread.person.as_str()) autocomplete="off"; }
                    button.quiet type="submit" { (t.note_it) }
                }
            }
        }
    }
}

/// Back to the conversation; a refusal says why nothing was done.
fn done(desk: &Desk, id: &str, done: Result<ChatThread, ChatError>) -> Result<Response, Problem> {
    let place = desk.path(&format!("chat/{}", encoded(id)));
    let refused = match done {
        Ok(_) => return Ok(Redirect::to(&place).into_response()),
        Err(ChatError::Refused(chat::Refused::HeldBy(_))) => "held",
        Err(ChatError::Refused(_)) => "state",
        Err(ChatError::Unreadable(_)) => "phone",
        Err(error) => return Err(error.into()),
    };
    Ok(Redirect::to(&format!("{place}?refused={refused}")).into_response())
}

/// What every change begins with: whether they may, whether the form is ours, whether the conversation is.
async fn begin(desk: &Desk, id: &str, fields: Vec<(String, String)>) -> Result<(chat::Office, Fields), Problem> {
    desk.check(Permission::Chat)?;
    let said = desk.read(fields)?;
    find(desk, id).await?;
    Ok((desk.state.office(&desk.clinic), said))
}

type Fielded = Form<Vec<(String, String)>>;

async fn say(desk: Desk, Path((_, id)): Path<(String, String)>, Form(fields): Fielded) -> Result<Response, Problem> {
    let (office, said) = begin(&desk, &id, fields).await?;
    let me = desk.viewer.user.as_str();
    let sent = match (said.get("canned"), said.get("text")) {
        (Some(canned), _) => office.send_canned(&id, canned, me, desk.now_ms()).await,
        (None, Some(text)) => {
            let text: String = text.replace("\r\n", "\n").chars().take(MOST_CHARS).collect();
            office.answer(&id, me, &Pii::from(text), desk.now_ms()).await
        }
        (None, None) => return Err(Problem::bad_body("text", "write something, or choose an answer")),
    };
    done(&desk, &id, sent)
}

async fn take(desk: Desk, Path((_, id)): Path<(String, String)>, Form(fields): Fielded) -> Result<Response, Problem> {
    let (office, _) = begin(&desk, &id, fields).await?;
    done(&desk, &id, office.take(&id, &desk.viewer.user, desk.now_ms()).await)
}

async fn give_back(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Fielded,
) -> Result<Response, Problem> {
    let (office, _) = begin(&desk, &id, fields).await?;
    done(&desk, &id, office.give_back(&id, &desk.viewer.user, desk.now_ms()).await)
}

async fn close(desk: Desk, Path((_, id)): Path<(String, String)>, Form(fields): Fielded) -> Result<Response, Problem> {
    let (office, _) = begin(&desk, &id, fields).await?;
    done(&desk, &id, office.close(&id, &desk.viewer.user, desk.now_ms()).await)
}

async fn identify(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Fielded,
) -> Result<Response, Problem> {
    let (office, said) = begin(&desk, &id, fields).await?;
    let person = Pii::from(said.get("person").unwrap_or_default());
    let known = office.identify(&id, said.get("phone").unwrap_or_default(), &person, desk.now_ms()).await;
    done(&desk, &id, known)
}

/// The page's parts whenever they differ from what was sent last.
struct Following {
    desk: Desk,
    thread: Option<String>,
    ends: Instant,
    bell: watch::Receiver<u64>,
    sent: [String; 3],
    waiting: Vec<Event>,
}

async fn follow(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::Chat)?;
    let thread = Fields::new(asked).get("thread").map(str::to_owned);
    if let Some(id) = &thread {
        find(&desk, id).await?;
    }
    let (ends, bell) = (Instant::now() + STREAM, desk.state.store.feed_bell());
    let first = Following { desk, thread, ends, bell, sent: Default::default(), waiting: Vec::new() };
    let events = stream::unfold(first, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

impl Following {
    /// What changed; none when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(event);
            }
            if Instant::now() >= self.ends || *self.desk.state.closing.borrow() {
                return None;
            }
            self.bell.borrow_and_update();
            // What cannot be read now is read the next time.
            if let Ok(parts) = self.parts().await {
                for (n, (name, part)) in parts.into_iter().enumerate() {
                    if part != self.sent[n] {
                        self.waiting.push(Event::default().event(name).data(&part));
                        self.sent[n] = part;
                    }
                }
            }
            if self.waiting.is_empty() {
                let mut closing = self.desk.state.closing.subscribe();
                tokio::select! {
                    _ = self.bell.changed() => sleep(REST).await,
                    () = sleep(LOOK) => {}
                    _ = closing.changed() => return None,
                    () = sleep_until(self.ends) => return None,
                }
            }
        }
    }

    async fn parts(&self) -> Result<Vec<(&'static str, String)>, Problem> {
        // A carriage return has no place in an event.
        let plain = |part: Markup| part.into_string().replace('\r', "");
        let mut parts = vec![("threads", plain(threads(&self.desk, self.thread.as_deref()).await?))];
        if let Some(id) = &self.thread {
            let thread = find(&self.desk, id).await?;
            parts.push(("messages", plain(messages(&self.desk, &thread).await?)));
            parts.push(("holder", plain(holder(&self.desk, &thread).await?)));
        }
        Ok(parts)
    }
}
