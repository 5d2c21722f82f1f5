//! Which program holds the conversations: versions, where each answers, what changed, and the way back.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Form, Path};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use records::{Entry, FlowChange, FlowRoute, FlowVersion, RunCounts};

use super::desk::Desk;
use super::frame::{Place, head, page, token};
use crate::auth::Permission;
use crate::flows::{beside, routed};
use crate::{AppState, Problem};

/// Changes that are listed.
const CHANGES: usize = 20;
/// Latest calls of a version that are counted.
const COUNTED: u32 = 1_000;
/// Calls that broke and are listed.
const TRAPS: u32 = 20;
/// How far back calls with a version beside them are looked at: a week.
const BESIDE_MS: i64 = 7 * 86_400_000;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/flows", get(show))
        .route("/desk/{clinic}/flows/{entry}/rollback", post(rollback))
}

pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

async fn show(desk: Desk) -> Result<Response, Problem> {
    desk.check(Permission::ManageFlows)?;
    let t = desk.words();
    let Ok(house) = desk.state.flow_house() else {
        let body = html! { (head(t.flows, &html! {})) div.empty { p { b { (t.no_flows) } } p { (t.no_flows_why) } } };
        return Ok(page(&desk, Place::Flows, t.flows, &body));
    };
    let (_, all) = desk.state.store.flow_routes().await?;
    let routes: Vec<FlowRoute> = all.into_iter().filter(|route| route.clinic == desk.clinic.id).collect();
    let versions = house.routes.library().list().await?;
    let mut changes = Vec::new();
    for route in &routes {
        changes.extend(desk.state.store.flow_route_history(&desk.clinic.id, route.entry).await?);
    }
    changes.sort_by_key(|change: &FlowChange| -change.seq);
    let mut cards = Vec::new();
    for route in &routes {
        cards.push((route, Tried::of(&desk, route).await?));
    }
    let name = |digest: &str| {
        let found = versions.iter().find(|version| version.digest == digest);
        found.map_or_else(|| short(digest), |version| format!("{} · {}", version.name, short(digest)))
    };
    let body = html! {
        (head(t.flows, &html! { a.button.quiet href=(desk.path("setup/try")) { (t.try_now) } }))
        @if routes.is_empty() { div.empty { p { b { (t.no_routes) } } p { a.button href=(desk.path("setup/try")) { (t.put_shipped) } } } }
        div.routes { @for (route, tried) in &cards { (one(&desk, route, tried, &name)) } }
        (traps(&desk, &name).await?)
        (library(&desk, &versions, &routes))
        (log(&desk, &changes, &name))
    };
    Ok(page(&desk, Place::Flows, t.flows, &body))
}

/// How versions did in the calls they held, or ran beside unheard.
struct Tried {
    stable: RunCounts,
    candidate: Option<RunCounts>,
    /// Calls of the last days that a version ran beside, and by how far it went from the one that answered.
    beside: Vec<(String, usize)>,
    /// Latest calls in which it would have done something else.
    differ: Vec<String>,
}

impl Tried {
    async fn of(desk: &Desk, route: &FlowRoute) -> Result<Self, Problem> {
        let (store, clinic) = (&desk.state.store, desk.clinic.id.as_str());
        let stable = store.count_version(clinic, route.entry, &route.stable, COUNTED).await?;
        let candidate = match &route.candidate {
            Some(digest) => Some(store.count_version(clinic, route.entry, digest, COUNTED).await?),
            None => None,
        };
        let mut found = Self { stable, candidate, beside: Vec::new(), differ: Vec::new() };
        let Some(shadow) = &route.shadow else { return Ok(found) };
        let now = desk.now_ms();
        let calls = store.shadowed_calls(clinic, route.entry, now - BESIDE_MS, now).await?;
        let mut words: BTreeMap<String, usize> = BTreeMap::new();
        for call in calls.into_iter().rev().filter(|call| call.digest == *shadow) {
            let Some(verdict) = call.verdict else { continue };
            if matches!(verdict.as_str(), "effect-changed" | "trapped" | "new-question") && found.differ.len() < 8 {
                found.differ.push(call.call);
            }
            *words.entry(verdict).or_default() += 1;
        }
        found.beside = words.into_iter().collect();
        Ok(found)
    }
}

fn counts(desk: &Desk, counts: &RunCounts) -> Markup {
    let t = desk.words();
    html! {
        span.soft { (t.held) " " (counts.calls) ", " (t.broke) " " }
        span.bad[counts.traps > 0] { (counts.traps) }
        span.soft { ", " (t.handed_over) " " (counts.handovers) }
    }
}

pub(super) fn verdict(desk: &Desk, word: &str) -> String {
    let t = desk.words();
    match word {
        "identical" => t.v_identical,
        "wording-only" => t.v_wording,
        "reads-reordered" => t.v_reads,
        "new-question" => t.v_question,
        "effect-changed" => t.v_effect,
        "trapped" => t.v_trapped,
        other => other,
    }
    .to_owned()
}

fn one(desk: &Desk, route: &FlowRoute, tried: &Tried, name: &dyn Fn(&str) -> String) -> Markup {
    let t = desk.words();
    html! {
        section aria-label=(route.entry) {
            h2 { (entry(desk, route.entry)) }
            dl.facts {
                dt { (t.answers_now) } dd { b { (name(&route.stable)) } " " span.soft { (t.since) " " (desk.moment(route.since_ms)) ", " (route.by) } br; (counts(desk, &tried.stable)) }
                @if let Some(candidate) = &route.candidate { dt { (t.on_trial) } dd { (name(candidate)) " · " (route.percent.unwrap_or_default()) "\u{a0}% " (t.of_calls) @if let Some(candidate) = &tried.candidate { br; (counts(desk, candidate)) } } }
                @if let Some(shadow) = &route.shadow { dt { (t.in_shadow) } dd {
                    (name(shadow))
                    @for (word, count) in &tried.beside { br; span.soft { (verdict(desk, word)) ": " } (count) }
                    @for (n, call) in tried.differ.iter().enumerate() { @if n == 0 { br; (t.look_at) " " } a href=(desk.path(&format!("calls/{call}"))) { (n + 1) } " " }
                } }
                @if let Some(previous) = &route.previous { dt { (t.before_it) } dd { (name(previous)) } }
            }
            @if route.previous.is_some() || route.candidate.is_some() {
                form method="post" action=(desk.path(&format!("flows/{}/rollback", route.entry))) {
                    (token(desk))
                    div.fields { label { span { (t.why) } input name="reason" required maxlength="200"; } button.quiet type="submit" { (t.roll_back) } }
                    p.note { (t.roll_back_note) }
                }
            }
        }
    }
}

fn entry(desk: &Desk, entry: Entry) -> String {
    let t = desk.words();
    match entry.as_str() {
        "day" => t.e_day,
        "night" => t.e_night,
        "overload" => t.e_overload,
        "reminder" => t.e_reminder,
        "chat" => t.e_chat,
        other => other,
    }
    .to_owned()
}

/// The interfaces a version asks for, by their short names.
pub(super) fn asks(version: &FlowVersion) -> String {
    let names = version.capabilities.iter().map(|one| one.split(['/', '@']).nth(1).unwrap_or(one));
    names.collect::<Vec<_>>().join(", ")
}

fn library(desk: &Desk, versions: &[FlowVersion], routes: &[FlowRoute]) -> Markup {
    let t = desk.words();
    html! {
        section.long aria-labelledby="versions" {
            h2 #versions { (t.versions) }
            div.scroll { table.data.narrow-first {
                thead { tr { th scope="col" { (t.version) } th scope="col" { (t.added) } th scope="col" { (t.size) } th scope="col" { (t.start_time) } th scope="col" { (t.allowed) } th scope="col" { span.hidden { (t.try_it) } } } }
                tbody { @for version in versions {
                    @let step = beside(versions, version);
                    tr {
                        th scope="row" { a href=(desk.path(&format!("flows/versions/{}", version.digest))) { (version.name) } small.soft { code { (short(&version.digest)) } } @for place in routed(routes, &version.digest) { small.good { (place) } } }
                        td data-h=(t.added) { (desk.moment(version.added_ms)) small { (version.by) } }
                        td data-h=(t.size) { (version.bytes / 1024) "\u{a0}" (desk.lang.pick("КиБ", "KiB")) }
                        td data-h=(t.start_time) { (format!("{:.0}\u{a0}", version.start_us)) (desk.lang.pick("мкс", "µs")) }
                        td.say {
                            (asks(version))
                            @if !step.added_capabilities.is_empty() { p.bad { (t.asks_more) " " (step.added_capabilities.join(", ")) } }
                        }
                        td { a href=(desk.path(&format!("setup/try?version={}", version.digest))) aria-label=(format!("{}: {}", t.try_it, version.name)) { (t.try_it) } }
                    }
                } }
            } }
        }
    }
}

/// Calls of the last days in which a flow broke: what it was, and the way to the trace.
async fn traps(desk: &Desk, name: &(dyn Fn(&str) -> String + Sync)) -> Result<Markup, Problem> {
    let t = desk.words();
    let store = &desk.state.store;
    let calls = store.trapped_calls(&desk.clinic.id, desk.now_ms() - BESIDE_MS, TRAPS).await?;
    let mut runs = Vec::new();
    for call in calls {
        // Without the clinic's key nobody reads how it ended; that it broke is known all the same.
        runs.push((store.flow_run(&call).await.ok(), call));
    }
    Ok(html! {
        @if !runs.is_empty() { section.long aria-labelledby="traps" {
            h2 #traps { (t.traps) }
            ul.plain-list.items { @for (run, call) in &runs { li {
                a href=(desk.path(&format!("calls/{call}"))) { @if let Some(run) = run { (desk.moment(run.started_ms)) " · " (name(&run.digest)) } @else { (t.sealed) } }
                @if let Some(end) = run.as_ref().and_then(|run| run.end.as_ref()) { p.note { (why(end.as_str())) } }
            } } }
        } }
    })
}

/// The end of a run in a line: its kind, and what its author wrote.
fn why(end: &str) -> String {
    let end: serde_json::Value = serde_json::from_str(end).unwrap_or_default();
    let found = end.get("Trapped").or_else(|| end.get("trapped")).unwrap_or(&end);
    let text = |key: &str| found.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let message: String = text("message").lines().next().unwrap_or_default().chars().take(300).collect();
    match text("kind") {
        "" => message,
        kind if message.is_empty() => kind.to_owned(),
        kind => format!("{kind}: {message}"),
    }
}

fn log(desk: &Desk, changes: &[FlowChange], name: &dyn Fn(&str) -> String) -> Markup {
    let t = desk.words();
    if changes.is_empty() {
        return html! {};
    }
    html! {
        section.long aria-labelledby="changes" {
            h2 #changes { (t.changes) }
            ul.plain-list { @for change in changes.iter().take(CHANGES) { li {
                span.soft { (desk.moment(change.at_ms)) " · " (change.by) " · " } b { (change.kind.as_str()) } " " (entry(desk, change.entry)) ": " (name(&change.digest))
                @if !change.reason.is_empty() { span.soft { " «" (change.reason) "»" } }
            } } }
        }
    }
}

async fn rollback(
    desk: Desk,
    Path((_, entry)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageFlows)?;
    let said = desk.read(fields)?;
    let words = Entry::ALL.iter().map(|entry| entry.as_str());
    let entry: Entry = entry.parse().map_err(|_| Problem::unknown_entry(words))?;
    let house = desk.state.flow_house()?;
    let act = rollout::Act { by: desk.by(), reason: said.get("reason").unwrap_or_default(), now_ms: desk.now_ms() };
    house.routes.rollback(&desk.clinic.id, entry, act).await?;
    Ok(Redirect::to(&desk.path("flows")).into_response())
}
