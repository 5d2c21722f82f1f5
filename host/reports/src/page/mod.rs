//! The report as one HTML file: nothing is loaded from outside, no script, charts are SVG.

use maud::{DOCTYPE, html};

use crate::{Lang, Report};

/// The page.
pub fn html(report: &Report, lang: Lang) -> String {
    html! {
        (DOCTYPE)
        html lang=(lang.as_str()) {
            head { meta charset="utf-8"; title { (report.clinic_name) } }
            body { h1 { (report.headline_text(lang)) } }
        }
    }
    .into_string()
}
