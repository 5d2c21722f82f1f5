//! Six figures to take in at once, and the way from a call to a visit.

use maud::{Markup, html};

use super::chart::{Tone, bar};
use crate::kpi::Kpis;
use crate::{Lang, Report, Share};

/// Whether more is better.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    More,
    Less,
    Neither,
}

struct Tile {
    title: String,
    value: Option<String>,
    /// How it changed, as text, and which way.
    change: Option<(String, i64)>,
    wish: Wish,
}

pub(super) fn tiles(report: &Report, lang: Lang) -> Markup {
    let t = |ru: &str, en: &str| lang.pick(ru, en).to_owned();
    let (now, before) = (&report.kpis, report.kpis_before.as_ref());
    let share = |title: String, wish: Wish, pick: fn(&Kpis) -> Option<Share>| {
        let points = pick(now).zip(before.and_then(pick)).map(|(now, before)| now.points_since(before));
        Tile {
            title,
            value: pick(now).map(|share| lang.share(share)),
            change: points.map(|points| (lang.points(points), points)),
            wish,
        }
    };
    let seconds = report.thresholds.answer_ms / 1000;
    let wasted = &report.non_target.non_target;
    let wasted_share = Tile {
        title: t("нецелевых звонков", "of calls are non-target"),
        value: wasted.now.share.map(|share| lang.share(share)),
        change: wasted.change.as_ref().and_then(|change| change.share_tenths_pp).map(|pp| (lang.points(pp), pp)),
        wish: Wish::Less,
    };
    let cost = match &wasted.now.cost {
        Some(cost) => Tile {
            title: t("стоили нецелевые звонки", "non-target calls cost"),
            value: Some(lang.money(cost)),
            change: wasted
                .change
                .as_ref()
                .and_then(|change| change.cost.as_ref())
                .map(|by| (lang.signed_money(by), by.minor)),
            wish: Wish::Less,
        },
        None => Tile {
            title: t("заняли нецелевые звонки", "went into non-target calls"),
            value: Some(lang.duration(wasted.now.time_ms)),
            change: wasted.change.as_ref().map(|by| (lang.duration(by.time_ms), by.time_ms)),
            wish: Wish::Less,
        },
    };
    let tiles = [
        Tile {
            title: t("поступило звонков", "calls came in"),
            value: Some(lang.number(now.offered)),
            change: before.map(|before| (lang.signed(now.offered - before.offered), now.offered - before.offered)),
            wish: Wish::Neither,
        },
        share(
            match lang {
                Lang::Ru => format!("отвечены за {seconds} с, от всех"),
                Lang::En => format!("of all answered within {seconds} s"),
            },
            Wish::More,
            |kpis| kpis.sl_offered,
        ),
        share(t("потеряно", "lost"), Wish::Less, |kpis| kpis.lcr_gross),
        wasted_share,
        cost,
        share(t("целевых записались", "of target calls booked"), Wish::More, |kpis| kpis.booking_rate),
    ];
    let nothing_before = before.is_none();
    html! {
        section.tiles aria-label=(t("Главные цифры", "Main figures")) {
            @for tile in &tiles {
                dl.tile {
                    dt { (tile.title) }
                    @match &tile.value {
                        Some(value) => dd class=(if value.chars().count() > 8 { "big long" } else { "big" }) { (value) }
                        None => dd.big.none { (t("нет данных", "no data")) }
                    }
                    dd.delta { (change(tile, nothing_before, lang)) }
                }
            }
        }
    }
}

fn change(tile: &Tile, nothing_before: bool, lang: Lang) -> Markup {
    let Some((text, by)) = &tile.change else {
        let text = if nothing_before {
            ("раньше нет данных", "no data before")
        } else {
            ("не с чем сравнить", "nothing to compare")
        };
        return html! { span.none { (lang.pick(text.0, text.1)) } };
    };
    let (class, word) = match (by.signum(), tile.wish) {
        (0, _) => ("none", ""),
        (_, Wish::Neither) => ("none", ""),
        (1, Wish::More) | (-1, Wish::Less) => ("good", lang.pick("лучше", "better")),
        _ => ("bad", lang.pick("хуже", "worse")),
    };
    let arrow = match by.signum() {
        1 => "↑",
        -1 => "↓",
        _ => "",
    };
    html! { span class=(class) { span aria-hidden="true" { (arrow) " " } (text) @if !word.is_empty() { span.hidden { ", " (word) } } } }
}

/// Calls → answered → target → booked → arrived.
pub(super) fn funnel(report: &Report, lang: Lang) -> Markup {
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let kpis = &report.kpis;
    let of = |part, whole| Share::of(part, whole).map(|share| lang.share(share));
    let steps = [
        (t("поступило", "came in"), kpis.offered, None),
        (
            t("отвечены", "answered"),
            kpis.answered,
            of(kpis.answered, kpis.offered).map(|s| (s, t("от поступивших", "of those that came in"))),
        ),
        (
            t("целевые", "target"),
            kpis.target,
            of(kpis.target, kpis.answered).map(|s| (s, t("от отвеченных", "of answered"))),
        ),
        (
            t("записались", "booked"),
            kpis.visits.booked,
            kpis.booking_rate.map(|s| (lang.share(s), t("от целевых", "of target"))),
        ),
        (
            t("пришли", "arrived"),
            kpis.visits.arrived,
            kpis.arrival_rate.map(|s| (lang.share(s), t("от записавшихся", "of booked"))),
        ),
    ];
    let max = steps.iter().map(|step| step.1).max().unwrap_or(0);
    html! {
        section {
            h2 { (t("От звонка до приёма", "From call to visit")) }
            p.note {
                (t("Первичных ", "First-time callers ")) (lang.number(kpis.first_time))
                (t(", повторных ", ", repeat ")) (lang.number(kpis.repeat))
                @if kpis.number_withheld > 0 { (t(", номер скрыт у ", ", number withheld ")) (lang.number(kpis.number_withheld)) }
                "."
            }
            div.steps {
                @for (name, count, rate) in steps {
                    span { (name) }
                    (bar(count, None, max, Tone::Target))
                    span.n { (lang.number(count)) }
                    @if let Some((rate, of_what)) = rate { span.r { (rate) " " (of_what) } }
                }
            }
        }
    }
}
