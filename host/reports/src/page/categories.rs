//! What calls were about: at a glance, with advice, and what has changed.

use maud::{Markup, html};

use super::chart::{Tone, bar, move_bar, sparkline, strip};
use crate::non_target::{Compared, Row};
use crate::{CountsAs, Lang, Report};

/// A row for every category in use: how many calls, and what they cost.
pub(super) fn chart(report: &Report, lang: Lang) -> Markup {
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let found = &report.non_target;
    let used: Vec<&Row> = found.rows.iter().filter(|row| row.is_used()).collect();
    let most = |pick: fn(&Row) -> i64| used.iter().map(|row| pick(row)).max().unwrap_or(0);
    let before = |row: &Row| row.figures.before.as_ref().map(|before| before.calls);
    let max_calls = most(|row| row.figures.now.calls.max(row.figures.before.as_ref().map_or(0, |before| before.calls)));
    let max_time =
        most(|row| row.figures.now.time_ms.max(row.figures.before.as_ref().map_or(0, |before| before.time_ms)));
    let sum =
        |tone: Tone| used.iter().filter(|row| Tone::of(row) == tone).map(|row| row.figures.now.calls).sum::<i64>();
    let parts = [
        (sum(Tone::Target), Tone::Target, t("целевые", "target")),
        (
            sum(Tone::Maybe),
            Tone::Maybe,
            t("нецелевые, но могут дать продажу или запись", "non-target, but may bring a sale or a booking"),
        ),
        (sum(Tone::Non), Tone::Non, t("нецелевые", "non-target")),
        (found.untagged.now.calls, Tone::None, t("без категории", "without a category")),
    ];
    let shown: Vec<(i64, Tone)> = parts.iter().map(|part| (part.0, part.1)).collect();
    let said: Vec<String> =
        parts.iter().filter(|part| part.0 > 0).map(|part| format!("{} {}", part.2, lang.number(part.0))).collect();
    html! {
        section {
            h2 { (t("О чём звонили", "What calls were about")) }
            p.note { (doubt(report, lang)) }
            @if shown.iter().any(|part| part.0 > 0) {
                (strip(&shown, &said.join(", ")))
                ul.legend {
                    @for (count, tone, name) in parts { @if count > 0 { li { span class=(tone.dot()) {} (name) " " b { (lang.number(count)) } } } }
                    @if report.kpis_before.is_some() { li { span.dot.d-mark {} (lang.period(report.before)) } }
                }
                // The table below holds the same figures for those who do not see the bars.
                div.bars aria-hidden="true" {
                    span.h.t { (t("категория, самые дорогие сверху", "category, the dearest first")) }
                    span.h { (t("звонки", "calls")) }
                    span.h { @if found.minute_cost.is_some() { (t("стоимость", "cost")) } @else { (t("время", "time")) } }
                    @for row in &used {
                        @let figures = &row.figures;
                        span.t { (lang.pick(&row.category.title_ru, &row.category.title_en)) }
                        div.v { (bar(figures.now.calls, before(row), max_calls, Tone::of(row))) span { (lang.number(figures.now.calls)) } }
                        div.v {
                            (bar(figures.now.time_ms, figures.before.as_ref().map(|before| before.time_ms), max_time, Tone::of(row)))
                            span { (cost(figures, lang)) }
                        }
                    }
                }
            }
        }
    }
}

fn cost(figures: &Compared, lang: Lang) -> String {
    match &figures.now.cost {
        Some(cost) => lang.money(cost),
        None => format!("{}\u{a0}{}", lang.number(lang.minutes(figures.now.time_ms)), lang.pick("мин", "min")),
    }
}

/// How sure the shares are.
fn doubt(report: &Report, lang: Lang) -> Markup {
    let found = &report.non_target;
    let untagged = found.untagged.now.calls;
    let review = found.tagged.now.review;
    html! {
        (lang.pick("Доли считаются от ", "Shares are of "))
        (match lang {
            Lang::Ru => format!("звонков с категорией: их {}. ", lang.number(found.tagged.now.calls)),
            Lang::En => format!("calls that have a category: {}. ", lang.number(found.tagged.now.calls)),
        })
        @if untagged > 0 {
            (match lang {
                Lang::Ru => format!("Без категории {} — обычно те, на которые никто не ответил. ", lang.calls(untagged)),
                Lang::En => format!("{} without one, mostly those nobody answered. ", lang.calls(untagged)),
            })
        }
        @if let (true, Some((low, high))) = (review > 0, found.doubtful_range) {
            (match lang {
                Lang::Ru => format!("Ждут проверки {}: если ошибка в каждом, нецелевых от {} до {}.", lang.number(review), lang.share(low), lang.share(high)),
                Lang::En => format!("{} wait for a check: if every one were wrong, non-target is between {} and {}.", lang.number(review), lang.share(low), lang.share(high)),
            })
        }
    }
}

/// The figures of each category beside what the clinic can do about it.
pub(super) fn advice(report: &Report, lang: Lang) -> Markup {
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let found = &report.non_target;
    let has_cost = found.minute_cost.is_some();
    let of =
        |counts_as: CountsAs| found.rows.iter().filter(move |row| row.is_used() && row.category.counts_as == counts_as);
    let line = |row: &Row| {
        html! {
            tr role="row" {
                th scope="row" role="rowheader" {
                    span class=(Tone::of(row).dot()) {} (lang.pick(&row.category.title_ru, &row.category.title_en))
                    (trend(report, row, lang))
                }
                (cells(&row.figures, has_cost, lang))
                td.say role="cell" {
                    (lang.pick(&row.category.advice_ru, &row.category.advice_en))
                    @if let Some(gain) = gain(report, row, lang) { p.own { (gain) } }
                }
            }
        }
    };
    let sum = |title: &str, figures: &Compared| {
        html! {
            tr.sum role="row" { th scope="row" role="rowheader" { (title) } (cells(figures, has_cost, lang)) td.say role="cell" {} }
        }
    };
    html! {
        section.long {
            h2 { (t("Что изменить", "What to change")) }
            p.note {
                (t("Мелкие цифры — изменение; сравнение с периодом ", "Small figures are the difference to "))
                (lang.period(report.before))
                @if report.kpis_before.is_none() { (t(" (нет данных)", " (no data)")) }
                "."
            }
            div.scroll {
                table.data role="table" {
                    thead role="rowgroup" { tr role="row" {
                        th scope="col" role="columnheader" { (t("категория", "category")) }
                        th scope="col" role="columnheader" { (t("звонки", "calls")) }
                        th scope="col" role="columnheader" { (t("доля", "share")) }
                        th scope="col" role="columnheader" { (t("минуты", "minutes")) }
                        @if has_cost { th scope="col" role="columnheader" { (t("деньги", "money")) } }
                        th scope="col" role="columnheader" { (t("что сделать", "what to do")) }
                    } }
                    tbody role="rowgroup" {
                        @for row in of(CountsAs::NonTarget) { (line(row)) }
                        (sum(t("Все нецелевые", "All non-target"), &found.non_target))
                        @for row in of(CountsAs::Target) { (line(row)) }
                    }
                }
            }
            @if !found.unknown_categories.is_empty() {
                p.note {
                    (t("Есть звонки с категориями, которых у клиники больше нет (посчитаны как «без категории»): ", "Some calls have categories the clinic no longer has (counted as without one): "))
                    (found.unknown_categories.join(", "))
                    "."
                }
            }
        }
    }
}

/// Twelve weeks of a category as a line.
fn trend(report: &Report, row: &Row, lang: Lang) -> Markup {
    let Some(trend) = report.trends.iter().find(|trend| trend.category == row.category.id) else { return html! {} };
    if trend.weeks.iter().filter(|calls| **calls > 0).count() < 3 {
        return html! {};
    }
    let last = trend.weeks.last().copied().unwrap_or(0);
    let most = trend.weeks.iter().copied().max().unwrap_or(0);
    let title = match lang {
        Lang::Ru => format!("12 недель: в последнюю {last}, больше всего {most}"),
        Lang::En => format!("12 weeks: {last} in the last, {most} at most"),
    };
    sparkline(&trend.weeks, Tone::of(row), &title)
}

/// What the clinic's own habits cause; the others cannot be influenced.
const INFLUENCED: [&str; 4] = ["not_our_service", "doctor", "inpatient", "test_results"];

/// What it would bring this clinic, in its own figures, if every other such call were not needed any more.
fn gain(report: &Report, row: &Row, lang: Lang) -> Option<String> {
    let now = &row.figures.now;
    if !INFLUENCED.contains(&row.category.id.as_str()) || now.calls < 4 {
        return None;
    }
    let days = report.period.days().max(1);
    let time = lang.duration(now.time_ms / 2);
    let money = now.cost.as_ref().map(|cost| lang.money(&crate::Amount::new(cost.minor / 2, &*cost.currency)));
    let weekly = lang.calls((now.calls * 7 + days / 2) / days);
    Some(match (lang, money) {
        (Lang::Ru, Some(money)) => {
            format!("У вас {weekly} в неделю. Вдвое меньше — это {time} и {money} за такой период.")
        }
        (Lang::Ru, None) => format!("У вас {weekly} в неделю. Вдвое меньше — это {time} за такой период."),
        (Lang::En, Some(money)) => {
            format!("You have {weekly} a week. Half of them is {time} and {money} in such a period.")
        }
        (Lang::En, None) => format!("You have {weekly} a week. Half of them is {time} in such a period."),
    })
}

fn cells(figures: &Compared, has_cost: bool, lang: Lang) -> Markup {
    let (now, change) = (&figures.now, figures.change.as_ref());
    let cell = |title: &str, value: Option<String>, by: Option<String>| {
        html! {
            td role="cell" data-h=(title) {
                span { (value.unwrap_or_else(|| "—".to_owned())) @if let Some(by) = by { small { (by) } } }
            }
        }
    };
    html! {
        (cell(lang.pick("звонки", "calls"), Some(lang.number(now.calls)), change.map(|by| lang.signed(by.calls))))
        (cell(lang.pick("доля", "share"), now.share.map(|share| lang.share(share)), change.and_then(|by| by.share_tenths_pp).map(|pp| lang.points(pp))))
        (cell(lang.pick("минуты", "minutes"), Some(lang.number(lang.minutes(now.time_ms))), change.map(|by| lang.signed(lang.minutes(by.time_ms)))))
        @if has_cost {
            (cell(lang.pick("деньги", "money"), now.cost.as_ref().map(|cost| lang.money(cost)), change.and_then(|by| by.cost.as_ref()).map(|by| lang.signed_money(by))))
        }
    }
}

/// Which categories grew and which shrank, in calls.
pub(super) fn moves(report: &Report, lang: Lang) -> Markup {
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let mut changed: Vec<(&Row, i64)> = report
        .non_target
        .rows
        .iter()
        .filter_map(|row| Some((row, row.figures.change.as_ref()?.calls)))
        .filter(|(_, by)| *by != 0)
        .collect();
    changed.sort_by_key(|(_, by)| -by);
    let max = changed.iter().map(|(_, by)| by.abs()).max().unwrap_or(0);
    html! {
        section {
            h2 { (t("Что изменилось", "What has changed")) }
            @if report.kpis_before.is_none() {
                p.note { (t("Нет данных за ", "No data for ")) (lang.period(report.before)) (t(": сравнить не с чем.", ": nothing to compare with.")) }
            } @else if changed.is_empty() {
                p.note { (t("Звонков по каждой теме столько же.", "As many calls of every kind as before.")) }
            } @else {
                p.note {
                    (t("Звонков больше или меньше, чем за ", "More or fewer calls than in ")) (lang.period(report.before))
                    @if report.before.days() != report.period.days() {
                        (match lang {
                            Lang::Ru => format!(" (дней было {}, стало {})", report.before.days(), report.period.days()),
                            Lang::En => format!(" (which had {} days, against {})", report.before.days(), report.period.days()),
                        })
                    }
                    "."
                }
                div.moves {
                    @for (row, by) in changed {
                        span { (lang.pick(&row.category.title_ru, &row.category.title_en)) }
                        (move_bar(by, max, Tone::of(row)))
                        span { (lang.signed(by)) }
                    }
                }
            }
        }
    }
}
