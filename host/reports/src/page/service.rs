//! Service level, lost calls and times: each figure with the one before, its definition a click away. And how it was counted.

use maud::{Markup, html};

use crate::kpi;
use crate::{Lang, Report, Share};

const LEVELS: [&str; 6] = ["sl_offered", "sl_answered", "sl_offered_less_short", "sl2", "lcr_gross", "lcr_net"];
const TIMES: [&str; 6] = ["asa", "abandon", "att", "acw", "aht", "occupancy"];

pub(super) fn block(report: &Report, lang: Lang) -> Markup {
    let limits = report.thresholds;
    html! {
        section.long {
            h2 { (lang.pick("Как быстро отвечали и сколько потеряли", "How fast calls were answered, and how many were lost")) }
            p.note {
                (match lang {
                    Lang::Ru => format!("Уровень сервиса считают по-разному, поэтому здесь все четыре определения. T = {}, S = {}. Нажмите на строку, чтобы увидеть формулу.", lang.duration(limits.answer_ms), lang.duration(limits.short_ms)),
                    Lang::En => format!("Service level is reckoned in different ways, so here are all four. T = {}, S = {}. Open a line to see its formula.", lang.duration(limits.answer_ms), lang.duration(limits.short_ms)),
                })
            }
            div.cols {
                div { @for id in LEVELS { (line(report, id, lang)) } }
                div { @for id in TIMES { (line(report, id, lang)) } }
            }
        }
    }
}

fn line(report: &Report, id: &str, lang: Lang) -> Markup {
    let Some(definition) = kpi::definition(id) else { return html! {} };
    let no_data = || lang.pick("нет данных", "no data").to_owned();
    let before = report.kpis_before.as_ref().and_then(|kpis| lang.figure(kpis, id));
    html! {
        details {
            summary {
                span.q { (lang.pick(definition.title_ru, definition.title_en)) }
                b { (lang.figure(&report.kpis, id).unwrap_or_else(no_data)) }
                i { @if let Some(before) = before { (lang.pick("было ", "was ")) (before) } }
            }
            p { (lang.pick(definition.text_ru, definition.text_en)) " " (lang.pick("Источник: ", "Source: ")) (definition.source) "." }
        }
    }
}

pub(super) fn footnote(report: &Report, lang: Lang) -> Markup {
    let found = &report.non_target;
    let doubtful = Share::of(found.tagged.now.review, found.tagged.now.calls);
    let definition = |id| kpi::definition(id).map(|definition| lang.pick(definition.text_ru, definition.text_en));
    html! {
        h2.hidden { (lang.pick("Как это посчитано", "How this was counted")) }
        p {
            (lang.pick("Как посчитано. ", "How this was counted. "))
            (definition("non_target").unwrap_or_default()) " "
            @if let Some(minute) = &found.minute_cost { (lang.pick("Минута стоит ", "A minute costs ")) (lang.money(minute)) ". " }
        }
        p {
            @match &report.model_version {
                Some(version) => { (lang.pick("Категории определил классификатор ", "Categories are by classifier ")) (version) }
                None => { (lang.pick("Категории проставлены людьми или сценарием", "Categories were given by people or by the flow")) }
            }
            @if let Some(doubtful) = doubtful { (lang.pick("; сомнительных ", "; doubtful ")) (lang.share(doubtful)) }
            ". "
            (lang.pick("Входящие звонки; время — ", "Incoming calls; times are ")) (report.timezone) "."
        }
        p { (lang.pick("Запись в приём: ", "Bookings: ")) (definition("booking_rate").unwrap_or_default()) " " (definition("arrival_rate").unwrap_or_default()) }
    }
}
