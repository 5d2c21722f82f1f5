//! The list of calls: found by period, category, outcome, number, version of the flow and words that were said.

use axum::Router;
use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::ToSpan as _;
use jiff::civil::Date;
use maud::{Markup, html};
use records::{CallFilter, CallRecord, Cursor, Direction, Outcome};
use reports::{CategoryInfo, CountsAs, Period};

use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, phone};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Calls on a page.
const PAGE: u32 = 60;
/// Calls in a file for a spreadsheet, at most.
const MOST_ROWS: usize = 50_000;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk/{clinic}/calls", get(list)).route("/desk/{clinic}/calls.csv", get(csv))
}

/// What is looked for, as it stands in the address. What cannot be read is left out: a page is no place for an error.
struct Wanted {
    from: Option<Date>,
    to: Option<Date>,
    category: Option<String>,
    /// A word of [`Outcome`], or `lost`.
    outcome: Option<String>,
    number: Option<String>,
    flow: Option<String>,
    said: Option<String>,
    review: bool,
}

impl Wanted {
    fn of(asked: &Fields) -> Self {
        let text = |name: &str| asked.get(name).map(str::to_owned);
        Self {
            from: asked.get("from").and_then(|day| day.parse().ok()),
            to: asked.get("to").and_then(|day| day.parse().ok()),
            category: text("category"),
            outcome: text("outcome"),
            number: text("number"),
            flow: text("flow"),
            said: text("q"),
            review: asked.get("review").is_some(),
        }
    }

    fn filter(&self, desk: &Desk) -> Result<CallFilter, Problem> {
        let bounds = |day| Period::new(day, day).and_then(|day| day.bounds(&desk.clinic.timezone));
        let lost = self.outcome.as_deref() == Some("lost");
        Ok(CallFilter {
            clinic: Some(desk.clinic.id.clone()),
            from_ms: self.from.map(bounds).transpose()?.map(|(start, _)| start),
            to_ms: self.to.map(bounds).transpose()?.map(|(_, end)| end),
            category: self.category.clone(),
            outcome: self.outcome.as_deref().and_then(|word| word.parse().ok()),
            answered: lost.then_some(false),
            caller_ends: self.number.clone().map(Into::into),
            flow: self.flow.clone(),
            said: self.said.clone().map(Into::into),
            review: self.review.then_some(true),
            ..CallFilter::default()
        })
    }

    /// As a query, with some of it replaced.
    fn query(&self, other: &[(&str, &str)]) -> String {
        let day = |day: Option<Date>| day.map(|day| day.to_string());
        let now = [
            ("q", self.said.clone()),
            ("from", day(self.from)),
            ("to", day(self.to)),
            ("category", self.category.clone()),
            ("outcome", self.outcome.clone()),
            ("number", self.number.clone()),
            ("flow", self.flow.clone()),
            ("review", self.review.then(|| "1".to_owned())),
        ];
        let kept = now.iter().filter(|(name, _)| !other.iter().any(|pair| pair.0 == *name));
        let kept = kept.filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let pairs: Vec<String> = kept
            .chain(other.iter().copied().filter(|pair| !pair.1.is_empty()))
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        pairs.join("&")
    }

    fn is_narrow(&self) -> bool {
        [&self.category, &self.outcome, &self.number, &self.flow].iter().any(|part| part.is_some())
    }
}

async fn list(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::SeeCalls)?;
    let asked = Fields::new(asked);
    let wanted = Wanted::of(&asked);
    let cursor: Option<Cursor> = asked.get("cursor").and_then(|cursor| cursor.parse().ok());
    let found = desk.state.store.calls(&wanted.filter(&desk)?, PAGE, cursor.as_ref()).await?;
    let categories = desk.state.categories_of(&desk.clinic.id);
    let t = desk.words();
    let next =
        found.next.map(|next| format!("{}?{}", desk.path("calls"), wanted.query(&[("cursor", &next.to_string())])));
    let body = html! {
        (head(t.calls, &html! {
            a.button href=(desk.path("doubtful")) { (t.doubtful_go) }
            a.button.quiet href=(format!("{}?{}", desk.path("calls.csv"), wanted.query(&[]))) { "CSV" }
        }))
        (filters(&desk, &wanted, &categories))
        @if found.calls.is_empty() {
            div.empty {
                p { b { (t.no_calls) } }
                p { (t.no_calls_why) }
                p { a.button.quiet href=(desk.path("calls")) { (t.show_all) } }
            }
        } @else { (rows(&desk, &found.calls, &categories)) }
        @if let Some(next) = next { p.more { a.button.quiet href=(next) rel="next" { (t.earlier) } } }
    };
    Ok(page(&desk, Place::Calls, t.calls, &body))
}

fn filters(desk: &Desk, wanted: &Wanted, categories: &[CategoryInfo]) -> Markup {
    let t = desk.words();
    let today = desk.today();
    let presets = [
        (t.today, today, today),
        (t.seven_days, today.saturating_sub(6.days()), today),
        (t.thirty_days, today.saturating_sub(29.days()), today),
    ];
    let at = |from: Date, to: Date| wanted.query(&[("from", &from.to_string()), ("to", &to.to_string())]);
    let chosen = |from: Date, to: Date| (wanted.from, wanted.to) == (Some(from), Some(to));
    html! {
        form.filters method="get" role="search" action=(desk.path("calls")) {
            div.search {
                input type="search" name="q" value=[&wanted.said] placeholder=(t.said_hint) aria-label=(t.said_label) data-search;
                button type="submit" { (t.find) }
            }
            div.chips role="group" aria-label=(t.period) {
                @for (name, from, to) in presets {
                    a.chip href=(format!("?{}", at(from, to))) aria-current=[chosen(from, to).then_some("true")] { (name) }
                }
                a.chip href=(format!("?{}", wanted.query(&[("from", ""), ("to", "")]))) aria-current=[wanted.from.or(wanted.to).is_none().then_some("true")] { (t.all_time) }
                a.chip href=(format!("?{}", wanted.query(&[("review", if wanted.review { "" } else { "1" })]))) aria-current=[wanted.review.then_some("true")] { (t.doubtful_only) }
            }
            details.narrow open[wanted.is_narrow()] {
                summary { (t.more_filters) }
                div.fields {
                    label { span { (t.from) } input type="date" name="from" value=[wanted.from]; }
                    label { span { (t.to) } input type="date" name="to" value=[wanted.to]; }
                    label { span { (t.category) } select name="category" {
                        option value="" { (t.any) }
                        @for one in categories {
                            option value=(one.id) selected[wanted.category.as_deref() == Some(&one.id)] { (desk.lang.pick(&one.title_ru, &one.title_en)) }
                        }
                    } }
                    label { span { (t.outcome) } select name="outcome" {
                        option value="" { (t.any) }
                        option value="lost" selected[wanted.outcome.as_deref() == Some("lost")] { (t.lost) }
                        @for one in Outcome::ALL {
                            option value=(one) selected[wanted.outcome.as_deref() == Some(one.as_str())] { (outcome(desk, *one)) }
                        }
                    } }
                    label { span { (t.number_ends) } input name="number" value=[&wanted.number] inputmode="numeric" autocomplete="off" size="10"; }
                    label { span { (t.flow_version) } input name="flow" value=[&wanted.flow] autocomplete="off" size="14"; }
                    button type="submit" { (t.apply) }
                }
            }
            @if wanted.review { input type="hidden" name="review" value="1"; }
        }
    }
}

fn rows(desk: &Desk, calls: &[CallRecord], categories: &[CategoryInfo]) -> Markup {
    let mut days: Vec<(Date, Vec<&CallRecord>)> = Vec::new();
    for call in calls {
        let day = desk.local(call.started_ms).date();
        match days.last_mut().filter(|last| last.0 == day) {
            Some(last) => last.1.push(call),
            None => days.push((day, vec![call])),
        }
    }
    html! {
        div.list data-list {
            @for (day, calls) in days {
                h2.day { (desk.day_name(day)) }
                ul.rows { @for call in calls { li { (row(desk, call, categories)) } } }
            }
        }
    }
}

/// One line: when, who, what about, what came of it, how long.
pub(crate) fn row(desk: &Desk, call: &CallRecord, categories: &[CategoryInfo]) -> Markup {
    let t = desk.words();
    html! {
        a.row href=(desk.path(&format!("calls/{}", call.id))) {
            span.at { (desk.clock(call.started_ms)) }
            span.who {
                (caller(desk, call))
                @if call.direction == Direction::Outgoing { small { (t.outgoing) } }
                @if call.first_time == Some(true) { small { (t.first_time) } }
            }
            span.what { (pill(desk, call.category.as_deref(), categories)) @if call.review { span.doubt title=(t.doubtful) { "?" span.hidden { (t.doubtful) } } } }
            span.came { (came(desk, call)) }
            span.by { (call.agent.as_deref().map_or("", |agent| if agent == "robot" { t.robot } else { agent })) }
            span.long { (length(desk, call)) }
        }
    }
}

/// Who called, as far as it is known.
pub(crate) fn caller(desk: &Desk, call: &CallRecord) -> Markup {
    match &call.caller {
        Some(number) => html! { (phone(number.as_str())) },
        None => html! { span.soft { (desk.words().withheld) } },
    }
}

/// What came of a call, in a word or two.
pub(crate) fn came(desk: &Desk, call: &CallRecord) -> Markup {
    let t = desk.words();
    match (call.ended_ms, call.answered_ms, call.outcome) {
        (None, _, _) => html! { span.live { (t.going_on) } },
        (_, None, Some(Outcome::Callback)) => html! { (t.lost_promised) },
        (_, None, _) => html! { span.bad { (t.lost) } },
        (_, _, Some(found)) => html! { span.good[found == Outcome::Booked] { (outcome(desk, found)) } },
        _ => html! { span.soft { "—" } },
    }
}

pub(crate) fn length(desk: &Desk, call: &CallRecord) -> String {
    match (call.answered_ms.or(Some(call.started_ms)), call.ended_ms) {
        (Some(from), Some(to)) => desk.lang.duration(to - from),
        _ => String::new(),
    }
}

/// A category as a coloured word.
pub(crate) fn pill(desk: &Desk, id: Option<&str>, categories: &[CategoryInfo]) -> Markup {
    let Some(id) = id else { return html! { span.soft { (desk.words().untagged) } } };
    let Some(known) = categories.iter().find(|known| known.id == id) else { return html! { span.pill { (id) } } };
    let tone = match known.counts_as {
        CountsAs::Target => "dot d-target",
        CountsAs::NonTarget if known.may_sell || known.may_book => "dot d-maybe",
        CountsAs::NonTarget => "dot d-non",
    };
    html! { span.pill { span class=(tone) {} (desk.lang.pick(&known.title_ru, &known.title_en)) } }
}

pub(crate) fn outcome(desk: &Desk, outcome: Outcome) -> &'static str {
    let t = desk.words();
    match outcome {
        Outcome::Booked => t.o_booked,
        Outcome::Moved => t.o_moved,
        Outcome::Cancelled => t.o_cancelled,
        Outcome::Answered => t.o_answered,
        Outcome::Transferred => t.o_transferred,
        Outcome::Callback => t.o_callback,
        Outcome::NotOffered => t.o_not_offered,
        Outcome::Nothing => t.o_nothing,
    }
}

/// The same calls as a file for a spreadsheet.
async fn csv(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::Export)?;
    let filter = Wanted::of(&Fields::new(asked)).filter(&desk)?;
    let categories = desk.state.categories_of(&desk.clinic.id);
    let t = desk.words();
    let mut table = Csv::new(&desk);
    table.line([t.started, t.number, t.category, t.outcome, t.who_answered, t.wait_s, t.talk_s, t.flow_version, t.id]);
    let (mut cursor, mut rows) = (None, 0);
    loop {
        let page = desk.state.store.calls(&filter, 1000, cursor.as_ref()).await?;
        for call in &page.calls {
            let title = call.category.as_deref().map(|id| {
                let known = categories.iter().find(|known| known.id == id);
                known.map_or(id, |known| desk.lang.pick(known.title_ru.as_str(), known.title_en.as_str()))
            });
            let came = match (call.answered_ms, call.outcome) {
                (None, _) if call.ended_ms.is_some() => t.lost,
                (_, Some(found)) => outcome(&desk, found),
                _ => "",
            };
            let seconds = |ms: Option<i64>| ms.map(|ms| (ms / 1000).to_string()).unwrap_or_default();
            table.line([
                desk.local(call.started_ms).strftime("%Y-%m-%d %H:%M:%S").to_string().as_str(),
                call.caller.as_ref().map_or("", |caller| caller.as_str()),
                title.unwrap_or_default(),
                came,
                call.agent.as_deref().unwrap_or_default(),
                &seconds(call.queue_wait_ms),
                &seconds(call.talk_ms),
                call.flow_digest.as_deref().unwrap_or_default(),
                &call.id,
            ]);
        }
        rows += page.calls.len();
        cursor = page.next;
        if cursor.is_none() || rows >= MOST_ROWS {
            break;
        }
    }
    Ok(table.file(&format!("calls-{}.csv", desk.clinic.id)))
}

/// A table for a spreadsheet, as each language's spreadsheets expect it.
pub(crate) struct Csv {
    text: String,
    apart: char,
}

impl Csv {
    pub(crate) fn new(desk: &Desk) -> Self {
        // Spreadsheets take a file for UTF-8 by its first bytes.
        Self { text: "\u{feff}".to_owned(), apart: desk.lang.pick(';', ',') }
    }

    pub(crate) fn line<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        for (n, cell) in cells.into_iter().enumerate() {
            if n > 0 {
                self.text.push(self.apart);
            }
            self.text.push('"');
            // A cell that begins like a formula would be run by whoever opens the file; a number is no formula.
            let looks_like_one = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            let mut digits = cell.chars().skip(1).peekable();
            let is_number = digits.peek().is_some() && digits.all(|c| c.is_ascii_digit() || c == '.' || c == ',');
            if looks_like_one && !is_number {
                self.text.push('\'');
            }
            self.text.push_str(&cell.replace('"', "\"\""));
            self.text.push('"');
        }
        self.text.push_str("\r\n");
    }

    pub(crate) fn file(self, name: &str) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        ];
        (headers, self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        let mut table = Csv { text: String::new(), apart: ';' };
        table.line(["=1+1", "+79031234567", "a\"b", "-5,2", "@x", "+7903=1", "Начало", ""]);
        assert_eq!(
            table.text,
            "\"'=1+1\";\"+79031234567\";\"a\"\"b\";\"-5,2\";\"'@x\";\"'+7903=1\";\"Начало\";\"\"\r\n"
        );
    }
}
