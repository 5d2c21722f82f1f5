//! The report as one HTML file: nothing is loaded from outside, no script, charts are SVG and tables.
//!
//! Layout: this file is the frame and the headline; [`figures`] the tiles and the funnel; [`categories`] what calls were about;
//! [`hours`] when they came; [`service`] every figure with its definition; [`chart`] draws.

mod categories;
mod chart;
mod figures;
mod hours;
mod service;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{Lang, Report};

const FRAME: &str = include_str!("frame.css");
/// How figures, charts and tables look, for pages that show [`body`] in a frame of their own.
pub const FIGURES: &str = include_str!("figures.css");

/// The page: self-contained, for screen, phone and paper, light and dark. Everything that came from outside is escaped.
pub fn html(report: &Report, lang: Lang) -> String {
    let t = |ru, en| lang.pick(ru, en);
    let title = format!("{} · {}", report.clinic_name, lang.period(report.period));
    html! {
        (DOCTYPE)
        html lang=(lang.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) " · " (t("Гудок", "Gudok")) }
                style { (PreEscaped(FRAME)) (PreEscaped(FIGURES)) }
            }
            body {
                header {
                    div.where {
                        span.logo { (logo()) b { (t("Гудок", "Gudok")) } }
                        span { (report.clinic_name) }
                        span { (lang.period(report.period)) }
                        span { (t("в сравнении: ", "compared with ")) (lang.period(report.before)) }
                    }
                    h1 { (report.headline_text(lang)) }
                    (lead(report, lang))
                }
                main { (body(report, lang)) }
                footer { (footnote(report, lang)) }
            }
        }
    }
    .into_string()
}

/// The figures, charts and tables without a frame, each a section.
pub fn body(report: &Report, lang: Lang) -> Markup {
    html! {
        (figures::tiles(report, lang))
        (categories::chart(report, lang))
        (categories::advice(report, lang))
        div.pair { (figures::funnel(report, lang)) (categories::moves(report, lang)) }
        (hours::days(report, lang))
        (hours::calls(report, lang))
        (hours::staffing(report, lang))
        (service::block(report, lang))
    }
}

/// How it was counted.
pub fn footnote(report: &Report, lang: Lang) -> Markup {
    service::footnote(report, lang)
}

/// What the non-target calls took, and whether that is more than before.
pub fn lead(report: &Report, lang: Lang) -> Markup {
    let Some(lead) = report.lead(lang) else { return html! {} };
    html! {
        p.lead {
            (lead.begins) b { (lead.time) }
            @if let Some(cost) = lead.cost { (lang.pick(" и обошлись в ", " and cost ")) b { (cost) } }
            (lead.than)
            "."
        }
    }
}

/// The dial tone: three waves.
pub fn logo() -> Markup {
    html! {
        svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" aria-hidden="true" {
            path d="M3 10v0M7 6.5v7M11 3v14M15 6.5v7M19 10v0" transform="translate(-1 0)" {}
        }
    }
}

#[cfg(test)]
mod tests;
