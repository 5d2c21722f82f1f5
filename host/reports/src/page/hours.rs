//! When calls come, and how many people that takes.

use maud::{Markup, html};

use super::chart;
use crate::share::div_round;
use crate::{Lang, Report};

pub(super) fn days(report: &Report, lang: Lang) -> Markup {
    if report.days.len() < 3 || report.days.iter().all(|day| day.calls == 0) {
        return html! {};
    }
    html! {
        section {
            h2 { (lang.pick(if report.days.len() > 92 { "Звонки по неделям" } else { "Звонки по дням" }, if report.days.len() > 92 { "Calls by week" } else { "Calls by day" })) }
            p.note {
                span.dot.d-target {} (lang.pick("отвечены", "answered")) "\u{a0}\u{a0} "
                span.dot.d-non {} (lang.pick("потеряны", "lost"))
            }
            (chart::days(&report.days, lang))
        }
    }
}

pub(super) fn calls(report: &Report, lang: Lang) -> Markup {
    if report.hours.is_empty() {
        return html! {};
    }
    let weekdays = report.period.weekdays();
    let cells: Vec<_> = report
        .hours
        .iter()
        .map(|total| {
            let times = weekdays.get((total.hour / 24) as usize).copied().unwrap_or(0).max(1);
            let tenths = div_round(i128::from(total.calls) * 10, times.into());
            let said = match tenths {
                0 => String::new(),
                1..100 if times > 1 => format!("{}{}{}", tenths / 10, lang.pick(',', '.'), tenths % 10),
                _ => (tenths / 10).to_string(),
            };
            (total.hour, tenths as f64, said)
        })
        .collect();
    let caption =
        lang.pick("Звонков в час в среднем, по дням недели и часам", "Calls an hour on average, by weekday and hour");
    html! {
        section {
            h2 { (lang.pick("Когда звонят", "When they call")) }
            p.note { (caption) ". " (busiest(report, lang)) }
            (chart::heat_map(&cells, caption, "", lang))
        }
    }
}

fn busiest(report: &Report, lang: Lang) -> String {
    let weekdays = report.period.weekdays();
    // The fullest on average: a period may have five Fridays and four Mondays.
    let mean = |hour: i64, calls: i64| calls * 1_000_000 / weekdays[(hour / 24) as usize % 7].max(1);
    let most = report.hours.iter().max_by_key(|total| mean(total.hour, total.calls));
    let Some(most) = most else { return String::new() };
    let (day, hour) = (lang.weekday_name((most.hour / 24) as usize), most.hour % 24);
    match lang {
        Lang::Ru => format!("Самый занятый час — {day}, {hour}:00–{}:00.", hour + 1),
        Lang::En => format!("The busiest hour is {day}, {hour}:00–{}:00.", hour + 1),
    }
}

pub(super) fn staffing(report: &Report, lang: Lang) -> Markup {
    let Some(plan) = report.staffing.as_ref().filter(|plan| !plan.hours.is_empty()) else { return html! {} };
    let cells: Vec<_> =
        plan.hours.iter().map(|hour| (hour.hour, f64::from(hour.agents), hour.agents.to_string())).collect();
    let caption = lang.pick("Сколько людей нужно на телефоне", "People needed on the phone");
    let (aht, within) = (lang.duration(plan.aht_ms), plan.goal.within_s);
    html! {
        section {
            h2 { (caption) }
            p.note {
                (match lang {
                    Lang::Ru => format!("Чтобы 80 % звонков получали ответ за {within:.0} с (Erlang C) при средней обработке {aht} и занятости не выше 85 % — если бы на каждый звонок отвечал человек. Робот снимает с них свою долю."),
                    Lang::En => format!("For 80% answered within {within:.0} s (Erlang C) with {aht} a call and at most 85% busy, if people answered every call. The robot takes its share off them."),
                })
            }
            (chart::heat_map(&cells, caption, "big", lang))
        }
    }
}
