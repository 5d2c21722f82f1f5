//! Small SVG charts. Bars stretch to their column (`preserveAspectRatio="none"`), so their words stand beside them in HTML,
//! where they keep their size on a phone and are read aloud.

use maud::{Markup, html};

use crate::non_target::Row;
use crate::report::Day;
use crate::{CountsAs, Lang};

/// What a colour stands for, the same all over the page. Blue against orange is told apart by the colour-blind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// May lead to a visit.
    Target,
    /// Cannot lead to a visit, but may bring a sale or a booking all the same.
    Maybe,
    /// Cannot lead to a visit.
    Non,
    /// Not known.
    None,
}

impl Tone {
    pub(super) fn of(row: &Row) -> Self {
        match row.category.counts_as {
            CountsAs::Target => Self::Target,
            CountsAs::NonTarget if row.category.may_sell || row.category.may_book => Self::Maybe,
            CountsAs::NonTarget => Self::Non,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Target => "c-target",
            Self::Maybe => "c-maybe",
            Self::Non => "c-non",
            Self::None => "c-none",
        }
    }

    /// The class of a legend's dot.
    pub(super) fn dot(self) -> &'static str {
        match self {
            Self::Target => "dot d-target",
            Self::Maybe => "dot d-maybe",
            Self::Non => "dot d-non",
            Self::None => "dot d-none",
        }
    }
}

/// Thousandths of the greatest value; what is there is never drawn as nothing.
fn scaled(value: i64, max: i64) -> i64 {
    if value <= 0 || max <= 0 { 0 } else { (value.saturating_mul(1000) / max).clamp(4, 1000) }
}

/// A horizontal bar, with a mark where it stood before.
pub(super) fn bar(value: i64, before: Option<i64>, max: i64, tone: Tone) -> Markup {
    html! {
        svg.bar viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true" {
            rect.c-track width="1000" height="12" {}
            rect class=(tone.class()) width=(scaled(value, max)) height="12" {}
            @if let Some(before) = before.filter(|before| *before > 0) {
                rect.c-mark x=((scaled(before, max) - 5).clamp(0, 993)) width="7" height="12" {}
            }
        }
    }
}

/// One bar divided among several.
pub(super) fn strip(parts: &[(i64, Tone)], title: &str) -> Markup {
    let sum: i64 = parts.iter().map(|(value, _)| value).sum();
    let mut end = 0;
    let pieces: Vec<_> = parts
        .iter()
        .filter(|(value, _)| *value > 0)
        .map(|(value, tone)| {
            let start = end;
            end += value * 10_000 / sum.max(1);
            (start, end - start, tone.class())
        })
        .collect();
    html! {
        svg.bar.strip viewBox="0 0 10000 10" preserveAspectRatio="none" role="img" aria-label=(title) {
            title { (title) }
            @for (i, (x, width, class)) in pieces.iter().enumerate() {
                // The last one takes what rounding left over; a hair of background divides neighbours.
                @let last = i + 1 == pieces.len();
                rect class=(class) x=(x) width=(if last { 10_000 - x } else { (width - 20).max(10) }) height="10" {}
            }
        }
    }
}

/// How something went, without words: the words stand beside it.
pub(super) fn sparkline(values: &[i64], tone: Tone, title: &str) -> Markup {
    let max = values.iter().copied().max().unwrap_or(0).max(1);
    let step = 1000 / (values.len().max(2) - 1);
    let points: Vec<String> =
        values.iter().enumerate().map(|(n, value)| format!("{},{}", n * step, 190 - value * 180 / max)).collect();
    html! {
        svg class={ "spark " (tone.class()) } viewBox="0 0 1000 200" preserveAspectRatio="none" role="img" aria-label=(title) {
            title { (title) }
            polyline points=(points.join(" ")) {}
        }
    }
}

/// A bar to the left or right of zero.
pub(super) fn move_bar(change: i64, max: i64, tone: Tone) -> Markup {
    let length = scaled(change.abs(), max) / 2;
    html! {
        svg.bar viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true" {
            rect class=(tone.class()) x=(if change < 0 { 500 - length } else { 500 }) width=(length) height="12" {}
            rect.c-axis x="498" width="4" height="12" {}
        }
    }
}

/// Calls by day, or by week when there are many: answered below, lost on top.
pub(super) fn days(days: &[Day], lang: Lang) -> Markup {
    let step = if days.len() > 92 { 7 } else { 1 };
    let sums: Vec<(i64, i64, &Day)> = days
        .chunks(step)
        .map(|week| {
            let calls = week.iter().map(|day| day.calls).sum::<i64>();
            (calls, calls - week.iter().map(|day| day.answered).sum::<i64>(), &week[0])
        })
        .collect();
    let max = sums.iter().map(|sum| sum.0).max().unwrap_or(0).max(1);
    let title = lang.pick("Звонки по дням: отвеченные и потерянные", "Calls by day: answered and lost");
    let total = |pick: fn(&(i64, i64, &Day)) -> i64| sums.iter().map(pick).sum::<i64>();
    let (all, lost) = (lang.number(total(|sum| sum.0)), lang.number(total(|sum| sum.1)));
    let desc = match lang {
        Lang::Ru => format!("Всего {all}, без ответа {lost}; в самый напряжённый столбец {}.", lang.number(max)),
        Lang::En => format!("{all} in all, {lost} without an answer; {} in the busiest column.", lang.number(max)),
    };
    html! {
        svg.days viewBox=(format!("0 0 {} 100", sums.len() * 10)) preserveAspectRatio="none" role="img" aria-label=(title) {
            title { (title) }
            desc { (desc) }
            @for (i, (calls, lost, first)) in sums.iter().enumerate() {
                @let (height, top) = (calls * 1000 / max, lost * 1000 / max);
                g {
                    title { (lang.date(first.date)) ": " (lang.calls(*calls)) ", " (lang.pick("потеряно", "lost")) " " (lost) }
                    rect.c-target x=(i * 10 + 1) y=(tenths(1000 - height + top)) width="8" height=(tenths(height - top)) {}
                    rect.c-bad x=(i * 10 + 1) y=(tenths(1000 - height)) width="8" height=(tenths(top)) {}
                }
            }
        }
        div.axis aria-hidden="true" {
            @if let (Some(first), Some(last)) = (days.first(), days.last()) {
                span { (lang.date(first.date)) } span { (lang.pick("максимум ", "most ")) (lang.number(max)) } span { (lang.date(last.date)) }
            }
        }
    }
}

fn tenths(n: i64) -> String {
    format!("{}.{}", n / 10, n % 10)
}

/// Day × hour as a table whose cells are coloured: it is its own table of data. `cells` are (hour of the week, value, said).
pub(super) fn heat_map(cells: &[(i64, f64, String)], caption: &str, class: &str, lang: Lang) -> Markup {
    let clock = |pick: fn(i64, i64) -> i64| cells.iter().map(|cell| cell.0 % 24).reduce(pick);
    let (first, last) = (clock(i64::min).unwrap_or(9), clock(i64::max).unwrap_or(20));
    let max = cells.iter().map(|cell| cell.1).fold(0.0, f64::max);
    let find = |hour: i64| cells.iter().find(|cell| cell.0 == hour);
    html! {
        table class={ "heat " (class) } {
            caption.hidden { (caption) }
            thead { tr {
                th scope="col" { span.hidden { (lang.pick("день", "day")) } }
                @for hour in first..=last { th scope="col" { (hour) } }
            } }
            tbody {
                @for day in 0..7usize {
                    tr {
                        th scope="row" { abbr title=(lang.weekday_name(day)) { (lang.weekday(day)) } }
                        @for hour in first..=last {
                            @match find(day as i64 * 24 + hour) {
                                Some((_, value, said)) => td class=(heat(*value, max)) { (said) }
                                None => td {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Six steps of colour.
fn heat(value: f64, max: f64) -> &'static str {
    let step = if max > 0.0 { (value / max * 6.0).ceil() as usize } else { 0 };
    ["", "k1", "k2", "k3", "k4", "k5", "k6"][step.min(6)]
}
