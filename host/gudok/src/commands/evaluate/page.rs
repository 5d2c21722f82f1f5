//! An evaluation as one HTML file: nothing is loaded from outside, no script, pictures are SVG, words are escaped.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use understanding::category::evaluate::Evaluation;
use understanding::category::{Taxonomy, Turn, Who};

use super::{Judged, Measured};
use crate::cli::Lang;
use crate::in_use::Origin;

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn html(measured: &Measured, lang: Lang) -> String {
    let t = |ru, en| pick(lang, ru, en);
    let title = t("Оценка классификатора", "Evaluation of the classifier");
    html! {
        (DOCTYPE)
        html lang=(pick(lang, "ru", "en")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) " · " (t("Гудок", "Gudok")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (headline(&measured.figures, lang)) }
                    p { (measured.files.join(", ")) " · " (model(measured, lang)) }
                }
                main {
                    (tiles(&measured.figures, lang))
                    (classes(&measured.figures, lang))
                    div.pair { (reliability(&measured.figures, lang)) (coverage(&measured.figures, lang)) }
                    (confusion(&measured.figures, lang))
                    (mistakes(measured, lang))
                }
                footer { (t(
                    "Страница содержит слова звонящих: храните её как записи разговоров.",
                    "This page holds callers' words: keep it as you keep recordings."
                )) }
            }
        }
    }
    .into_string()
}

fn pick<T>(lang: Lang, ru: T, en: T) -> T {
    match lang {
        Lang::Ru => ru,
        Lang::En => en,
    }
}

fn headline(figures: &Evaluation, lang: Lang) -> String {
    let (right, calls) = ((figures.accuracy * figures.calls as f32).round() as usize, figures.calls);
    match lang {
        Lang::Ru => format!("Верно {right} из {calls}: {}", percent(figures.accuracy)),
        Lang::En => format!("{right} of {calls} right: {}", percent(figures.accuracy)),
    }
}

fn model(measured: &Measured, lang: Lang) -> String {
    let info = measured.classifier.info();
    let from = match &measured.origin {
        Origin::Shipped => pick(lang, "поставляемый классификатор", "the classifier that ships").to_owned(),
        Origin::File(file) => file.display().to_string(),
    };
    match lang {
        Lang::Ru => format!("{from}, обучен {} на {} звонках", info.trained, info.calls),
        Lang::En => format!("{from}, trained {} on {} calls", info.trained, info.calls),
    }
}

fn percent(share: f32) -> String {
    format!("{:.1} %", share * 100.0)
}

fn tiles(figures: &Evaluation, lang: Lang) -> Markup {
    let t = |ru, en| pick(lang, ru, en);
    let at_eighty = figures.coverage.iter().find(|kept| (kept.0 - 0.8).abs() < 0.01).map_or(0.0, |kept| kept.1);
    let tile = |name: &str, value: String| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl.tiles {
            (tile(t("доля верных", "accuracy"), percent(figures.accuracy)))
            (tile(t("макро-F1", "macro-F1"), format!("{:.3}", figures.macro_f1)))
            (tile(t("верно среди 80 % самых уверенных", "right among the surest 80 %"), percent(at_eighty)))
            (tile(t("ошибка уверенности (ECE)", "calibration error (ECE)"), format!("{:.3}", figures.ece)))
            (tile(t("на просмотр человеку", "sent to review"), percent(figures.review_share)))
            (tile(t("верно среди остальных", "right among the rest"), percent(figures.accept_accuracy)))
        }
    }
}

fn classes(figures: &Evaluation, lang: Lang) -> Markup {
    let t = |ru, en| pick(lang, ru, en);
    html! {
        section {
            h2 { (t("По категориям", "By category")) }
            div.scroll { table {
                thead { tr {
                    th { (t("категория", "category")) }
                    th { (t("точность", "precision")) }
                    th { (t("полнота", "recall")) }
                    th { "F1" }
                    th { (t("звонков", "calls")) }
                } }
                tbody {
                    @for class in &figures.classes {
                        tr {
                            th scope="row" { (name(&class.label, lang)) }
                            td { (format!("{:.2}", class.precision)) }
                            td { (format!("{:.2}", class.recall)) }
                            td { (format!("{:.2}", class.f1)) }
                            td { (class.support) }
                        }
                    }
                }
            } }
        }
    }
}

fn name(label: &str, lang: Lang) -> &str {
    Taxonomy::embedded()
        .get(label)
        .map_or(label, |category| pick(lang, category.title_ru.as_str(), category.title_en.as_str()))
}

/// The side of the two square pictures, and the margin for their axes.
const SIDE: f32 = 300.0;
const MARGIN: f32 = 34.0;

fn axes(x: &str, y: &str) -> Markup {
    let (left, bottom) = (MARGIN, MARGIN / 2.0 + SIDE);
    html! {
        @for tenth in [0, 5, 10] {
            @let share = tenth as f32 / 10.0;
            line.axis x1=(left) x2=(left + SIDE) y1=(bottom - SIDE * share) y2=(bottom - SIDE * share) {}
            text x=(left - 5.0) y=(bottom - SIDE * share + 4.0) text-anchor="end" { (tenth * 10) }
            text x=(left + SIDE * share) y=(bottom + 14.0) text-anchor="middle" { (tenth * 10) }
        }
        text x=(left + SIDE / 2.0) y=(bottom + 28.0) text-anchor="middle" { (x) }
        text transform=(format!("rotate(-90) translate({} 11)", -(bottom - SIDE / 2.0))) text-anchor="middle" { (y) }
    }
}

fn view() -> String {
    format!("0 0 {} {}", SIDE + MARGIN * 1.5, SIDE + MARGIN * 1.5)
}

/// Confidence against the share that was right: bars of what is, the gap to what was said, a dot per tenth.
fn reliability(figures: &Evaluation, lang: Lang) -> Markup {
    let t = |ru, en| pick(lang, ru, en);
    let (left, bottom, width) = (MARGIN, MARGIN / 2.0 + SIDE, SIDE / 10.0);
    let most = figures.reliability.iter().map(|bin| bin.count).max().unwrap_or(1).max(1) as f32;
    html! {
        section {
            h2 { (t("Можно ли верить уверенности", "Does confidence mean what it says")) }
            p.note { (t(
                "Столбик — доля верных среди звонков с такой уверенностью; на диагонали слова сходятся с делом.",
                "A bar is the share that was right among calls of that confidence; on the diagonal, words and deeds agree."
            )) }
            svg viewBox=(view()) role="img" aria-label=(t("Диаграмма надёжности", "Reliability diagram")) {
                (axes(t("уверенность, %", "confidence, %"), t("верно, %", "right, %")))
                @for bin in figures.reliability.iter().filter(|bin| bin.count > 0) {
                    @let (low, high) = (bin.accuracy.min(bin.confidence), bin.accuracy.max(bin.confidence));
                    rect.is x=(left + SIDE * bin.from + 1.0) width=(width - 2.0) y=(bottom - SIDE * bin.accuracy) height=(SIDE * bin.accuracy) {}
                    rect.gap x=(left + SIDE * bin.from + 1.0) width=(width - 2.0) y=(bottom - SIDE * high) height=(SIDE * (high - low)) {}
                    circle.dot cx=(left + SIDE * bin.confidence) cy=(bottom - SIDE * bin.accuracy) r=(2.0 + 5.0 * (bin.count as f32 / most).sqrt()) {
                        title { (percent(bin.confidence)) " → " (percent(bin.accuracy)) ", " (bin.count) }
                    }
                    text x=(left + SIDE * bin.from + width / 2.0) y=(bottom - 4.0) text-anchor="middle" { (bin.count) }
                }
                line.diagonal x1=(left) y1=(bottom) x2=(left + SIDE) y2=(bottom - SIDE) {}
            }
        }
    }
}

/// How many are right when only the surest are taken.
fn coverage(figures: &Evaluation, lang: Lang) -> Markup {
    let t = |ru, en| pick(lang, ru, en);
    let (left, bottom) = (MARGIN, MARGIN / 2.0 + SIDE);
    let points = figures.coverage.iter().map(|(kept, right)| (left + SIDE * kept, bottom - SIDE * right));
    let line: Vec<String> = points.clone().map(|(x, y)| format!("{x},{y}")).collect();
    html! {
        section {
            h2 { (t("Если брать только уверенное", "If only the sure ones are taken")) }
            p.note { (t(
                "Сколько звонков оставить программе и сколько из них будет верно; остальные смотрит человек.",
                "How many calls to leave to the program, and how many of them will be right; a person looks at the others."
            )) }
            svg viewBox=(view()) role="img" aria-label=(t("Точность при неполном охвате", "Accuracy at partial coverage")) {
                (axes(t("охват, %", "coverage, %"), t("верно, %", "right, %")))
                polyline.curve points=(line.join(" ")) {}
                @for ((x, y), (kept, right)) in points.zip(&figures.coverage) {
                    circle.dot cx=(x) cy=(y) r="3" { title { (percent(*kept)) " → " (percent(*right)) } }
                }
            }
        }
    }
}

/// What was taken for what: right ones blue, mistakes orange, by their share of the row.
fn confusion(figures: &Evaluation, lang: Lang) -> Markup {
    let t = |ru, en| pick(lang, ru, en);
    html! {
        section {
            h2 { (t("Что с чем путается", "What is taken for what")) }
            p.note { (t("Строка — как есть, столбец — как решила программа.", "Row: what it is; column: what the program said.")) }
            div.scroll { table.heat {
                thead { tr { th {} @for class in &figures.classes { th scope="col" { (name(&class.label, lang)) } } } }
                tbody {
                    @for (at, (class, row)) in figures.classes.iter().zip(&figures.confusion).enumerate() {
                        @let sum = row.iter().sum::<usize>().max(1) as f32;
                        tr {
                            th scope="row" { (name(&class.label, lang)) }
                            @for (given, count) in row.iter().enumerate() {
                                @let share = *count as f32 / sum;
                                @if *count == 0 { td.zero { "·" } } @else {
                                    td style=(format!("background:rgba(var(--{}),{:.2})", if at == given { "heat" } else { "miss" }, 0.12 + 0.7 * share)) {
                                        (count)
                                    }
                                }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn mistakes(measured: &Measured, lang: Lang) -> Markup {
    let t = |ru, en| pick(lang, ru, en);
    let (all, shown) = (measured.figures.mistakes.len(), measured.mistakes());
    html! {
        section {
            h2 { (t("Самые уверенные ошибки", "The surest mistakes")) }
            p.note {
                (match lang {
                    Lang::Ru => format!("Показано {} из {all}. Отмечены слова, которые решили.", shown.len()),
                    Lang::En => format!("{} of {all} shown. The words that decided are marked.", shown.len()),
                })
            }
            @for (mistake, call) in shown {
                div.mistake {
                    b { (name(&mistake.given, lang)) } " " (t("вместо", "instead of")) " " b { (name(&mistake.truth, lang)) }
                    span.who { " · " (percent(mistake.confidence)) " · " (mistake.id) }
                    @for (at, turn) in call.call.turns.iter().enumerate() { p { (said(call, at, turn, lang)) } }
                }
            }
        }
    }
}

/// A turn with the words that decided marked.
fn said(call: &Judged, at: usize, turn: &Turn, lang: Lang) -> Markup {
    let who = match turn.who {
        Who::Agent => pick(lang, "клиника", "clinic"),
        Who::Caller | Who::Unknown => pick(lang, "звонящий", "caller"),
    };
    html! {
        span.who { (who) }
        @for (text, marked) in crate::terminal::marked(&call.call, &call.verdict.evidence, at) {
            @if marked { mark { (text) } } @else { (text) }
        }
    }
}
