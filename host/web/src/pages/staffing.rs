//! How many people the desk needs each hour, from this clinic's own calls, and what one more or one fewer does.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use jiff::ToSpan as _;
use maud::{Markup, html};
use records::Rolled;
use reports::Period;
use reports::kpi;
use reports::staffing::{Goal, Queue, required};

use super::desk::{Desk, Fields};
use super::frame::{Place, head, page};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Weeks whose calls count.
const WEEKS: i64 = 8;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk/{clinic}/staffing", get(show))
}

/// What is asked for, and what it is reckoned with.
struct Plan {
    goal: Goal,
    aht_s: f64,
    patience_s: f64,
    /// Nobody's own patience was measured: the usual was taken.
    usual_patience: bool,
    /// Hours of the week with calls for people: the hour, and calls in it.
    hours: Vec<(i64, f64)>,
    robot_share: f64,
    with_robot: bool,
}

impl Plan {
    fn of(rolled: &Rolled, period: Period, asked: &Fields) -> Option<Self> {
        let number = |name: &str, usual: f64, least: f64, most: f64| {
            asked
                .get(name)
                .and_then(|text| text.replace(',', ".").parse::<f64>().ok())
                .unwrap_or(usual)
                .clamp(least, most)
        };
        let goal = Goal {
            service_level: number("level", 80.0, 1.0, 99.0) / 100.0,
            within_s: number("within", 20.0, 1.0, 600.0),
            max_occupancy: 0.85,
            shrinkage: number("away", 0.0, 0.0, 90.0) / 100.0,
        };
        let totals = &rolled.totals;
        let aht_s = kpi::aht_ms(totals).filter(|aht| *aht > 0)? as f64 / 1000.0;
        let lost = kpi::lost(totals);
        // All waiting over those who gave up: the likeliest mean of a patience that fades evenly.
        let waited = (totals.answered_wait_ms + totals.lost_wait_ms) as f64 / 1000.0;
        let measured = (lost >= 20).then(|| waited / lost as f64);
        let with_robot = asked.get("who") != Some("all") && totals.by_people.answered > 0;
        let people = (totals.by_people.answered + lost) as f64 / totals.offered.max(1) as f64;
        let part = if with_robot { people } else { 1.0 };
        let weekdays = period.weekdays();
        let hours = rolled.hours.iter().filter_map(|total| {
            let times = *weekdays.get(usize::try_from(total.hour / 24).ok()?)?;
            (times > 0).then(|| (total.hour, total.calls as f64 / times as f64 * part))
        });
        Some(Self {
            goal,
            aht_s,
            patience_s: measured.unwrap_or(120.0),
            usual_patience: measured.is_none(),
            hours: hours.collect(),
            robot_share: 1.0 - people,
            with_robot,
        })
    }

    fn people(&self, calls_per_hour: f64) -> u32 {
        required(calls_per_hour, self.aht_s, &self.goal).map_or(0, |staff| staff.on_desk)
    }

    fn queue(&self, calls_per_hour: f64, agents: u32) -> Queue {
        Queue { calls_per_hour, aht_s: self.aht_s, agents }
    }

    /// Calls lost in a week, with so many more or fewer people in every hour.
    fn lost_a_week(&self, more: i32) -> f64 {
        let lost = |(_, calls): &(i64, f64)| {
            let agents = self.people(*calls).saturating_add_signed(more);
            calls * self.queue(*calls, agents).impatient(self.patience_s).abandon
        };
        self.hours.iter().map(lost).sum()
    }
}

async fn show(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::SeeReport)?;
    let asked = Fields::new(asked);
    let t = desk.words();
    let yesterday = desk.today().saturating_sub(1.days());
    let period = Period { from: yesterday.saturating_sub((WEEKS * 7 - 1).days()), to: yesterday };
    let rolled = desk.state.store.rolled(&desk.clinic.id, period.day_numbers()).await?;
    let body = match Plan::of(&rolled, period, &asked) {
        None => {
            html! { (head(t.staffing, &html! {})) div.empty { p { b { (t.no_staffing) } } p { (t.no_staffing_why) } } }
        }
        Some(plan) => html! {
            (head(t.staffing, &html! { span.soft { (desk.lang.period(period)) } }))
            (goal(&desk, &plan))
            (weekly(&desk, &plan))
            (grid(&desk, &plan, &asked))
            (hour(&desk, &plan, &asked))
            (formulas(&desk, &plan))
        },
    };
    Ok(page(&desk, Place::Staffing, t.staffing, &body))
}

fn goal(desk: &Desk, plan: &Plan) -> Markup {
    let t = desk.words();
    let whole = |share: f64| format!("{:.0}", share * 100.0);
    html! {
        form.fields.card method="get" action=(desk.path("staffing")) {
            label { span { (t.answer_share) } input type="number" name="level" min="1" max="99" value=(whole(plan.goal.service_level)); }
            label { span { (t.within_seconds) } input type="number" name="within" min="1" max="600" value=(plan.goal.within_s); }
            label { span { (t.away_share) } input type="number" name="away" min="0" max="90" value=(whole(plan.goal.shrinkage)); }
            label { span { (t.who_answers) } select name="who" {
                option value="people" selected[plan.with_robot] { (t.robot_helps) }
                option value="all" selected[!plan.with_robot] { (t.only_people) }
            } }
            button type="submit" { (t.reckon) }
        }
    }
}

fn weekly(desk: &Desk, plan: &Plan) -> Markup {
    let t = desk.words();
    let hours: u32 = plan.hours.iter().map(|(_, calls)| plan.people(*calls)).sum();
    let rostered = f64::from(hours) / (1.0 - plan.goal.shrinkage).max(0.1);
    let lost = |more| desk.lang.number(plan.lost_a_week(more).round() as i64);
    html! {
        section.tiles.four aria-label=(t.week) {
            dl.tile { dt { (t.hours_a_week) } dd.big { (desk.lang.number(rostered.round() as i64)) } dd.delta { (t.is_people) " " (format!("{:.1}", rostered / 40.0).replace('.', desk.lang.pick(",", "."))) } }
            dl.tile { dt { (t.one_fewer) } dd.big.bad { (lost(-1)) } dd.delta { (t.lost_a_week) } }
            dl.tile { dt { (t.as_planned) } dd.big { (lost(0)) } dd.delta { (t.lost_a_week) } }
            dl.tile { dt { (t.one_more) } dd.big.good { (lost(1)) } dd.delta { (t.lost_a_week) } }
        }
    }
}

/// People by day and hour; every figure leads to what stands behind it.
fn grid(desk: &Desk, plan: &Plan, asked: &Fields) -> Markup {
    let t = desk.words();
    let clocks: Vec<i64> = plan.hours.iter().map(|(hour, _)| hour % 24).collect();
    let (first, last) = (clocks.iter().min().copied().unwrap_or(9), clocks.iter().max().copied().unwrap_or(20));
    let most = plan.hours.iter().map(|(_, calls)| plan.people(*calls)).max().unwrap_or(1).max(1);
    let chosen = asked.get("hour").and_then(|hour| hour.parse::<i64>().ok());
    let keep: String = ["level", "within", "away", "who"]
        .iter()
        .filter_map(|name| Some(format!("{name}={}&", super::frame::encoded(asked.get(name)?))))
        .collect();
    html! {
        section.long aria-labelledby="people" {
            h2 #people { (t.people_needed) }
            p.note { (t.people_needed_note) }
            div.scroll { table.heat.big {
                caption.hidden { (t.people_needed) }
                thead { tr { th scope="col" { span.hidden { (t.day) } } @for hour in first..=last { th scope="col" { (hour) } } } }
                tbody { @for day in 0..7_i64 { tr {
                    th scope="row" { abbr title=(desk.lang.weekday_name(day as usize)) { (desk.lang.weekday(day as usize)) } }
                    @for clock in first..=last {
                        @let hour = day * 24 + clock;
                        @match plan.hours.iter().find(|found| found.0 == hour) {
                            Some((_, calls)) => {
                                @let people = plan.people(*calls);
                                td class=(format!("k{}", (people * 6).div_ceil(most.max(4)).clamp(1, 6))) {
                                    a href=(format!("?{keep}hour={hour}#hour")) aria-current=[(chosen == Some(hour)).then_some("true")] { (people) }
                                }
                            }
                            None => td {},
                        }
                    }
                } } }
            } }
        }
    }
}

/// One hour: what each number of people gives.
fn hour(desk: &Desk, plan: &Plan, asked: &Fields) -> Markup {
    let t = desk.words();
    let busiest = || plan.hours.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let asked = asked.get("hour").and_then(|hour| hour.parse::<i64>().ok());
    let Some((hour, calls)) = plan.hours.iter().find(|found| Some(found.0) == asked).or_else(busiest) else {
        return html! {};
    };
    let needed = plan.people(*calls);
    let percent = |share: f64| desk.lang.pick(format!("{:.0}\u{a0}%", share * 100.0), format!("{:.0}%", share * 100.0));
    let decimal = |value: f64| format!("{value:.1}").replace('.', desk.lang.pick(",", "."));
    html! {
        section.long #hour aria-labelledby="hour-title" {
            h2 #hour-title { (desk.lang.weekday_name((hour / 24) as usize)) ", " (hour % 24) ":00–" (hour % 24 + 1) ":00" }
            p.note { (decimal(*calls)) " " (t.calls_an_hour) }
            div.scroll { table.data.narrow-first {
                thead { tr {
                    th scope="col" { (t.people) } th scope="col" { (t.in_time) } th scope="col" { (t.mean_wait) }
                    th scope="col" { (t.busy_share) } th scope="col" { (t.lost_an_hour) } th scope="col" { (t.against_plan) }
                } }
                tbody { @for agents in needed.saturating_sub(2).max(1)..=needed + 2 {
                    @let queue = plan.queue(*calls, agents);
                    @let impatient = queue.impatient(plan.patience_s);
                    @let planned = plan.queue(*calls, needed).impatient(plan.patience_s).abandon;
                    tr class=[(agents == needed).then_some("sum")] {
                        th scope="row" { (agents) @if agents == needed { " · " (t.needed) } }
                        td data-h=(t.in_time) { (percent(queue.service_level(plan.goal.within_s))) }
                        td data-h=(t.mean_wait) { (desk.lang.duration((impatient.mean_wait_s * 1000.0) as i64)) }
                        td data-h=(t.busy_share) { (percent(impatient.occupancy)) }
                        td data-h=(t.lost_an_hour) { (decimal(impatient.abandon * calls)) }
                        td data-h=[(agents != needed).then_some(t.against_plan)] { @if agents != needed { (if impatient.abandon > planned { "+" } else { "−" }) (decimal(((impatient.abandon - planned) * calls).abs())) } }
                    }
                } }
            } }
        }
    }
}

fn formulas(desk: &Desk, plan: &Plan) -> Markup {
    let t = desk.words();
    let seconds = |s: f64| desk.lang.duration((s * 1000.0) as i64);
    html! {
        details.card {
            summary { (t.how_reckoned) }
            div {
                p { (t.aht_is) " " b { (seconds(plan.aht_s)) } "; " (t.patience_is) " " b { (seconds(plan.patience_s)) } @if plan.usual_patience { " (" (t.usual_patience) ")" } "; " (t.robot_takes) " " b { (format!("{:.0}\u{a0}%", plan.robot_share.max(0.0) * 100.0)) } "." }
                p { (t.erlang_c) }
                p { (t.erlang_a) }
            }
        }
    }
}
