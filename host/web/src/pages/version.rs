//! One version of a flow: what it may do, where it answers, and what it would have done in the calls of the last days, side by
//! side with what was done.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use records::{FlowTrial, FlowVersion, RecordsError, TrialCall};

use super::desk::{Desk, Fields};
use super::flows::{asks, short, verdict};
use super::frame::{Place, encoded, head, page, token};
use crate::auth::Permission;
use crate::flows::{beside, routed};
use crate::trials::{Compared, Row, Side, begin, line};
use crate::{AppState, Problem};

/// How many days back calls are taken; the middle one is offered first.
const DAYS: [i64; 4] = [1, 7, 30, 90];
const USUAL: i64 = 7;
/// The gravest first.
const VERDICTS: [&str; 6] =
    ["trapped", "effect-changed", "new-question", "reads-reordered", "wording-only", "identical"];

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/flows/versions/{version}", get(show).post(try_it))
        .route("/desk/{clinic}/flows/trials/{trial}/{call}", get(call))
}

fn own(desk: &Desk, digest: &str) -> String {
    desk.path(&format!("flows/versions/{digest}"))
}

async fn show(
    desk: Desk,
    Path((_, version)): Path<(String, String)>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageFlows)?;
    let library = desk.state.flow_house()?.routes.library();
    let version = library.show(&version).await?;
    let versions = library.list().await?;
    let trials = desk.state.store.flow_trials(&desk.clinic.id, Some(&version.digest)).await?;
    let asked = Fields::new(asked);
    let chosen = asked.get("trial").and_then(|id| trials.iter().find(|trial| trial.id == id)).or(trials.first());
    let result = match chosen {
        Some(trial) => result(&desk, trial).await?,
        None => html! {},
    };
    let t = |ru, en| desk.lang.pick(ru, en);
    let title = format!("{} · {}", version.name, short(&version.digest));
    let body = html! {
        p.trail { a href=(desk.path("flows")) { (desk.words().flows) } }
        (head(&title, &html! { a.button.quiet href=(desk.path(&format!("setup/try?version={}", version.digest))) { (desk.words().try_it) } }))
        (facts(&desk, &version, &versions).await?)
        section aria-labelledby="trials" {
            h2 #trials { (t("Проверка на записанных звонках", "Tried on recorded calls")) }
            p.note { (t(
                "Версия проходит через записанные разговоры и получает те же ответы, что прозвучали тогда. Никто ничего не слышит, ничего не записывается и не отменяется.",
                "The version is led through recorded conversations and gets the answers that were given then. Nobody hears anything, nothing is booked or cancelled."
            )) }
            form.fields method="post" action=(own(&desk, &version.digest)) {
                (token(&desk))
                label { span { (t("Звонки за последние, дней", "Calls of the last days")) } select name="days" {
                    @for days in DAYS { option value=(days) selected[days == USUAL] { (days) } }
                } }
                button type="submit" { (t("Проверить", "Try it on them")) }
            }
            @if trials.len() > 1 { ul.plain-list { @for trial in &trials { li {
                a href=(format!("{}?trial={}", own(&desk, &version.digest), encoded(&trial.id))) aria-current=[chosen.is_some_and(|one| one.id == trial.id).then_some("true")] { (desk.moment(trial.made_ms)) }
                span.soft { " · " (trial.by) " · " (sum(&desk, trial)) }
            } } } }
        }
        (result)
    };
    Ok(page(&desk, Place::Flows, &title, &body))
}

async fn facts(desk: &Desk, version: &FlowVersion, versions: &[FlowVersion]) -> Result<Markup, Problem> {
    let t = desk.words();
    let (_, mut routes) = desk.state.store.flow_routes().await?;
    routes.retain(|route| route.clinic == desk.clinic.id);
    let step = beside(versions, version);
    let places = routed(&routes, &version.digest);
    Ok(html! { section { dl.facts {
        dt { (t.version) } dd { code.link-text { (version.digest) } }
        dt { (t.added) } dd { (desk.moment(version.added_ms)) span.soft { " · " (version.by) } }
        dt { (t.size) } dd { (version.bytes / 1024) "\u{a0}" (desk.lang.pick("КиБ", "KiB")) }
        dt { (t.allowed) } dd { (asks(version)) @if !step.added_capabilities.is_empty() { p.bad { (t.asks_more) " " (step.added_capabilities.join(", ")) } } }
        dt { (desk.lang.pick("Отвечает", "Answers")) } dd { @if places.is_empty() { span.soft { (desk.lang.pick("нигде", "nowhere")) } } @else { (places.join(", ")) } }
        @if let Some(before) = &step.before { dt { (t.before_it) } dd { a href=(own(desk, before)) { (short(before)) } } }
    } } })
}

/// All calls and those that matter: `412 · сделала бы другое: 1`.
fn sum(desk: &Desk, trial: &FlowTrial) -> String {
    let t = |ru, en| desk.lang.pick(ru, en);
    if trial.ended_ms.is_none() {
        return t("идёт", "under way").to_owned();
    }
    if trial.problem.is_some() {
        return t("не вышло", "came to nothing").to_owned();
    }
    let graver = VERDICTS.iter().filter_map(|word| Some((word, *trial.counts.get(*word)?)));
    let words = graver.map(|(word, count)| format!("{}: {count}", verdict(desk, word))).collect::<Vec<_>>();
    format!("{} {}; {}", t("звонков", "calls"), trial.total(), words.join(", "))
}

async fn result(desk: &Desk, trial: &FlowTrial) -> Result<Markup, Problem> {
    let t = |ru, en| desk.lang.pick(ru, en);
    let heading =
        html! { h2 #result { (t("Что вышло", "What came of it")) span.soft { " · " (desk.moment(trial.made_ms)) } } };
    if trial.ended_ms.is_none() {
        return Ok(html! { section aria-labelledby="result" data-again="3" {
            (heading)
            p role="status" { (t("Проверка идёт.", "It is being tried.")) " " a href=(desk.here) { (t("Посмотреть, готово ли", "See whether it is done")) } }
        } });
    }
    if let Some(problem) = &trial.problem {
        return Ok(html! { section aria-labelledby="result" { (heading) p.bad { (problem) } } });
    }
    if trial.total() == 0 {
        return Ok(html! { section aria-labelledby="result" {
            (heading)
            p { (t("За это время нет ни одного записанного звонка с роботом. Возьмите больше дней.", "There is no recorded call with the robot in that time. Take more days.")) }
            (unread(desk, trial))
        } });
    }
    let calls = match desk.state.store.flow_trial_calls(trial).await {
        Ok(calls) => calls,
        Err(error) => {
            return Ok(
                html! { section aria-labelledby="result" { (heading) (counts(desk, trial)) p.note { (unreadable(desk, error)?) } } },
            );
        }
    };
    let sees = desk.may(Permission::SeeCalls);
    let otherwise = trial.total() - trial.counts.get("identical").copied().unwrap_or(0);
    Ok(html! {
        section.long aria-labelledby="result" {
            (heading)
            (counts(desk, trial))
            (unread(desk, trial))
            @if calls.is_empty() && otherwise == 0 { p.good { (t("Ни один звонок не прошёл бы иначе.", "No call would have gone otherwise.")) } }
            @else if calls.is_empty() { p.note { (t("Самих разговоров больше нет: вышел срок хранения, или человек попросил их удалить.", "The conversations themselves are gone: their term is over, or a person asked for it.")) } }
            @else {
                h3 { (t("Пошли бы иначе, самые заметные сверху", "Would have gone otherwise, the gravest on top")) }
                ul.plain-list.items { @for one in &calls { li {
                    span class={ "pill v-" (one.verdict) } { (verdict(desk, &one.verdict)) }
                    " " @if sees { a href=(desk.path(&format!("flows/trials/{}/{}", encoded(&trial.id), encoded(&one.call)))) { (or_dash(&line(one, desk.lang.as_str()))) } } @else { code { (one.call) } }
                    @if !one.steady { " " span.bad { (t("дважды по-разному", "not the same twice")) } }
                } } }
            }
        }
    })
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "—" } else { text }
}

fn counts(desk: &Desk, trial: &FlowTrial) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    html! { dl.facts {
        dt { (t("Звонков", "Calls")) } dd { (trial.total()) span.soft { " · " (t("с ", "from ")) (desk.moment(trial.from_ms)) } }
        @for word in VERDICTS { @if let Some(count) = trial.counts.get(word) { dt { (verdict(desk, word)) } dd class=[matches!(word, "trapped" | "effect-changed").then_some("bad")] { (count) } } }
        @if trial.unsteady > 0 { dt { (t("дважды по-разному", "not the same twice")) } dd.bad { (trial.unsteady) } }
    } }
}

fn unread(desk: &Desk, trial: &FlowTrial) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    html! { @if trial.unreadable > 0 { p.note.bad { (t("Журналов, которые не удалось прочитать: ", "Journals that could not be read: ")) (trial.unreadable) } } }
}

/// A comparison whose key is not here.
fn unreadable(desk: &Desk, error: RecordsError) -> Result<&'static str, Problem> {
    match error {
        RecordsError::NoKey { .. } | RecordsError::WrongKey { .. } | RecordsError::KeyFile { .. } => {
            Ok(desk.words().sealed)
        }
        RecordsError::Tampered { .. } => Ok(desk.words().tampered),
        error => Err(error.into()),
    }
}

async fn try_it(
    desk: Desk,
    Path((_, version)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageFlows)?;
    let said = desk.read(fields)?;
    let days = said.get("days").and_then(|days| days.parse().ok()).unwrap_or(USUAL);
    let trial = begin(&desk.state, &desk.clinic.id, &version, days, desk.by()).await?;
    Ok(Redirect::to(&format!("{}#result", own(&desk, &trial.digest))).into_response())
}

async fn call(desk: Desk, Path((_, trial, call)): Path<(String, String, String)>) -> Result<Response, Problem> {
    desk.check(Permission::ManageFlows)?;
    desk.check(Permission::SeeCalls)?;
    let trial = desk.state.store.flow_trial(&desk.clinic.id, &trial).await?;
    desk.witness("call.seen", "call", &call).await?;
    let t = |ru, en| desk.lang.pick(ru, en);
    let title = t("Звонок и новая версия", "The call and the new version");
    let back = html! { p.trail {
        a href=(desk.path("flows")) { (desk.words().flows) } " · "
        a href=(format!("{}?trial={}#result", own(&desk, &trial.digest), encoded(&trial.id))) { (short(&trial.digest)) }
    } };
    let kept = match desk.state.store.flow_trial_call(&trial, &call).await {
        Ok(kept) => kept,
        Err(RecordsError::NotFound { .. }) => return Err(Problem::unknown("call of a trial")),
        Err(error) => {
            let why = unreadable(&desk, error)?;
            let body = html! { (back) (head(title, &html! {})) section { p.note { (why) } } };
            return Ok(page(&desk, Place::Flows, title, &body));
        }
    };
    let body = html! {
        (back)
        (head(title, &html! { a.button.quiet href=(desk.path(&format!("calls/{}", encoded(&call)))) { (t("Открыть разговор", "Open the call")) } }))
        (side_by_side(&desk, &trial, &kept)?)
    };
    Ok(page(&desk, Place::Flows, title, &body))
}

fn side_by_side(desk: &Desk, trial: &FlowTrial, kept: &TrialCall) -> Result<Markup, Problem> {
    let t = |ru, en| desk.lang.pick(ru, en);
    let compared = Compared::of(kept, desk.lang.as_str())?;
    let first = compared.parts_at();
    let (name, digest) = &compared.recorded_by;
    let version = |name: &str, digest: &str| {
        if name.is_empty() { short(digest) } else { format!("{name} · {}", short(digest)) }
    };
    let step = first.and_then(|at| number(&compared.rows[at]));
    let marks: BTreeMap<&str, &str> = BTreeMap::from([
        ("other-words", t("другими словами", "in other words")),
        ("moved", t("в другом месте", "at another place")),
        ("new", t("только новая", "only the new one")),
        ("missing", t("новая этого не делает", "the new one does not")),
        ("effect", t("другое действие", "another effect")),
        ("trap", t("сломалась", "broke")),
        ("not-compared", t("не сравнивается", "not compared")),
    ]);
    Ok(html! {
        section.long {
            p { span class={ "pill v-" (compared.verdict) } { (verdict(desk, &compared.verdict)) } " " b { (compared.line) } }
            @if let Some(step) = step { p.note { a href="#parts" { (t("Расходятся на шаге ", "They part at step ")) (step) } } }
            @if !kept.steady { p.bad { (t("Два повтора не совпали: версия берёт что-то мимо ответов робота, и сравнение мало что значит.", "Two replays did not agree: the version takes something from outside its answers, so the comparison says little.")) } }
            div.scroll { table.data.beside-each {
                thead { tr {
                    th scope="col" { (t("Шаг", "Step")) }
                    th scope="col" { (t("Как было", "As it was")) small.soft { (version(name, digest)) } }
                    th scope="col" { (t("Как сделала бы новая версия", "What the new version would do")) small.soft { (version("", &trial.digest)) } }
                } }
                tbody { @for (at, row) in compared.rows.iter().enumerate() {
                    @let parts = first == Some(at);
                    tr class={ "m-" (row.mark) " k-" (row.kind) } id=[parts.then_some("parts")] {
                        th scope="row" { (number(row).map_or(String::new(), |step| step.to_string())) small.soft { (when(row.left.as_ref())) } }
                        td data-h=(t("Было", "Was")) { (text(row.left.as_ref())) }
                        td data-h=(t("Новая", "New")) {
                            (text(row.right.as_ref()))
                            @if parts { span.pill.parts { (t("здесь расходятся", "they part here")) } }
                            @if let Some(word) = marks.get(row.mark.as_str()) { small.mark { (word) } }
                        }
                    }
                } }
            } }
        }
    })
}

/// The step of the recorded call, from 1, as the trace counts.
fn number(row: &Row) -> Option<u32> {
    row.left.as_ref().and_then(|side| side.seq).map(|seq| seq + 1)
}

fn when(side: Option<&Side>) -> String {
    let seconds = side.and_then(|side| side.at_ms).map(|ms| ms / 1000);
    seconds.map_or_else(String::new, |seconds| format!("{}:{:02}", seconds / 60, seconds % 60))
}

fn text(side: Option<&Side>) -> Markup {
    html! { @if let Some(side) = side { span.said { (side.text) } } @else { span.soft { "—" } } }
}
