//! Setting a clinic up in the browser, and changing it later: each step is one small page, and a page that can be redone.
//!
//! Layout: [`Workshop`] is what the program does for these pages; `edit` changes a clinic file and keeps its comments; `files`
//! writes it; `save` is the road every change takes (seen, changed, checked, noted, written, served); `begin` makes a new
//! clinic; one file for each step.
//!
//! Invariants:
//! - A file that would be refused when it is read is never written.
//! - A change is made only to the content that whoever makes it has seen.
//! - Every change stands in the audit before it is made; the version before is kept.

mod about;
mod begin;
mod doctors;
mod edit;
mod faq;
mod files;
mod hours;
mod line;
mod people;
mod prompts;
mod reminders;
mod save;
mod services;
mod steps;
mod texts;
mod try_out;
mod typed;
mod whole;
mod workshop;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};

pub use workshop::{Looked, Workshop};

use crate::auth::Permission;
use crate::pages::{Desk, Place, head, page};
use crate::{AppState, Problem};

/// A clinic file with long answers, as a form sends it: each letter of Cyrillic is six characters there.
pub(crate) const MAX_FORM: usize = 512 * 1024;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/new", get(begin::show).post(begin::make))
        .route("/desk/{clinic}/setup", get(first))
        .route("/desk/{clinic}/setup/about", get(about::show).post(about::save))
        .route("/desk/{clinic}/setup/hours", get(hours::show).post(hours::save))
        .route("/desk/{clinic}/setup/services", get(services::show).post(services::save))
        .route("/desk/{clinic}/setup/doctors", get(doctors::show).post(doctors::save))
        .route("/desk/{clinic}/setup/faq", get(faq::show).post(faq::save))
        .route("/desk/{clinic}/setup/reminders", get(reminders::show).post(reminders::save))
        .route("/desk/{clinic}/setup/people", get(people::show).post(people::save))
        .route("/desk/{clinic}/setup/line", get(line::show).post(line::save))
        .route("/desk/{clinic}/setup/file", get(whole::show).post(whole::save))
        .merge(prompts::router())
        .merge(try_out::router())
        .layer(DefaultBodyLimit::max(MAX_FORM))
}

async fn first(desk: Desk) -> Redirect {
    Redirect::to(&Step::About.path(&desk))
}

/// The pages of the set-up, in the order a newcomer takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    About,
    Hours,
    Services,
    Doctors,
    Faq,
    Try,
    Line,
    Reminders,
    Prompts,
    People,
    File,
}

/// What a newcomer is led through.
const LED: [Step; 7] = [Step::About, Step::Hours, Step::Services, Step::Doctors, Step::Faq, Step::Try, Step::Line];
/// What is there for later.
const LATER: [Step; 4] = [Step::Reminders, Step::Prompts, Step::People, Step::File];

impl Step {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Hours => "hours",
            Self::Services => "services",
            Self::Doctors => "doctors",
            Self::Faq => "faq",
            Self::Try => "try",
            Self::Line => "line",
            Self::Reminders => "reminders",
            Self::Prompts => "prompts",
            Self::People => "people",
            Self::File => "file",
        }
    }

    pub(crate) fn path(self, desk: &Desk) -> String {
        desk.path(&format!("setup/{}", self.as_str()))
    }

    fn title(self, desk: &Desk) -> &'static str {
        let (ru, en) = match self {
            Self::About => ("О клинике", "About"),
            Self::Hours => ("Часы работы", "Hours"),
            Self::Services => ("Услуги", "Services"),
            Self::Doctors => ("Врачи", "Doctors"),
            Self::Faq => ("Вопросы и ответы", "Questions and answers"),
            Self::Try => ("Попробовать", "Try it"),
            Self::Line => ("Подключить линию", "Connect a line"),
            Self::Reminders => ("Напоминания и план", "Reminders and plan"),
            Self::Prompts => ("Голос", "Voice"),
            Self::People => ("Люди", "People"),
            Self::File => ("Файл целиком", "The whole file"),
        };
        desk.lang.pick(ru, en)
    }

    fn wants(self) -> Permission {
        match self {
            Self::People => Permission::ManageUsers,
            _ => Permission::ManageClinic,
        }
    }

    fn next(self) -> Option<Self> {
        let at = LED.iter().position(|step| *step == self)?;
        LED.get(at + 1).copied()
    }
}

/// What is said on top of a page after something was tried.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// It was done.
    pub(crate) done: Option<String>,
    /// Why it was not: sentences, each with what to change.
    pub(crate) wrong: Vec<String>,
    /// It was done, and the page is to be looked at anew: the word that stands in its address.
    go: Option<&'static str>,
}

impl Told {
    pub(crate) fn done(said: impl Into<String>) -> Self {
        Self { done: Some(said.into()), ..Self::default() }
    }

    pub(crate) fn wrong(said: impl Into<String>) -> Self {
        Self::all_wrong(vec![said.into()])
    }

    pub(crate) fn all_wrong(wrong: Vec<String>) -> Self {
        Self { wrong, ..Self::default() }
    }

    fn go(word: &'static str) -> Self {
        Self { go: Some(word), ..Self::default() }
    }

    /// What the address says was done.
    pub(crate) fn of(desk: &Desk) -> Self {
        let t = |ru, en| desk.lang.pick(ru, en);
        let pending = desk.state.workshop.as_ref().and_then(|workshop| workshop.pending());
        match desk.here.split_once("?told=").map(|(_, word)| word) {
            Some("same") => Self::done(t("Ничего не изменилось.", "Nothing has changed.")),
            Some("pending") if pending.is_some() => Self::done(t(
                "Сохранено. Линии откроются заново, когда закончатся идущие разговоры.",
                "Saved. The lines open anew when the calls under way have ended.",
            )),
            Some(_) => Self::done(t("Сохранено и уже действует.", "Saved; it holds already.")),
            None => Self::default(),
        }
    }

    fn status(&self) -> StatusCode {
        if self.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }
}

/// Shows the step again: anew where something was done, so that a reload does nothing twice; with what is wrong otherwise.
fn answer(desk: &Desk, step: Step, told: &Told, body: &Markup) -> Response {
    match told.go {
        Some(word) => Redirect::to(&format!("{}?told={word}", step.path(desk))).into_response(),
        None => step_page(desk, step, told, body),
    }
}

/// One step as a page: where one is, what was told, what can be done, and where it goes on.
pub(crate) fn step_page(desk: &Desk, step: Step, told: &Told, body: &Markup) -> Response {
    let title = step.title(desk);
    let t = |ru, en| desk.lang.pick(ru, en);
    let tab = |one: Step, n: Option<usize>| {
        html! {
            @if desk.may(one.wants()) { li {
                a.chip href=(one.path(desk)) aria-current=[(one == step).then_some("step")] {
                    @if let Some(n) = n { b { (n + 1) } " " } (one.title(desk))
                }
            } }
        }
    };
    let whole = html! {
        (head(title, &html! { a.button.quiet href=(desk.path("clinic")) { (t("Вся клиника", "The whole clinic")) } }))
        nav.led aria-label=(t("Шаги настройки", "Steps of the set-up")) {
            ol { @for (n, one) in LED.into_iter().enumerate() { (tab(one, Some(n))) } }
            ul { @for one in LATER { (tab(one, None)) } }
        }
        @if let Some(done) = &told.done { p.notice.good role="status" { (done) } }
        @if !told.wrong.is_empty() {
            div.notice.wrong role="alert" {
                p { b { (t("Не сохранено. Исправьте:", "Not saved. Mend this:")) } }
                ul { @for one in &told.wrong { li { (one) } } }
            }
        }
        @if !can_change(desk) && !matches!(step, Step::Try | Step::People) {
            p.notice { (t(
                "Эта клиника встроена в программу и не меняется. Скопируйте её файл и запустите сервер с ним: gudok serve --clinic файл.toml, или запустите gudok serve без --clinic и заведите свою.",
                "This clinic ships inside the program and cannot be changed. Copy its file and serve that: gudok serve --clinic file.toml; or run gudok serve without --clinic and make your own."
            )) }
        }
        (body)
        @if let Some(next) = step.next() {
            p.onward { a.button href=(next.path(desk)) { (t("Дальше: ", "Next: ")) (next.title(desk)) } }
        }
    };
    (told.status(), page(desk, Place::Clinic, title, &whole)).into_response()
}

/// What is wrong with a clinic file, a sentence each.
fn said(errors: &desk::ClinicErrors, lang: reports::Lang) -> Vec<String> {
    let say = |mistake: &desk::Mistake| match lang {
        reports::Lang::En => mistake.to_string(),
        reports::Lang::Ru => mistake.in_russian(),
    };
    errors.mistakes.iter().map(say).collect()
}

/// Whether the clinic has a file of its own.
pub(crate) fn can_change(desk: &Desk) -> bool {
    desk.state.workshop.as_ref().is_some_and(|workshop| workshop.file(&desk.clinic.id).is_some())
}

/// Goes on only for whoever runs the clinic.
fn check(desk: &Desk) -> Result<(), Problem> {
    desk.check(Permission::ManageClinic)
}
