//! The letter: a week in one look, as plain text and as HTML with nothing from elsewhere. Both say the same.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use reports::{CountsAs, Lang, Share};

use crate::Figures;

/// Categories that get a word of advice.
const ADVISED: usize = 3;
/// Reasons of lost visits that are named.
const REASONS: usize = 4;

/// A letter, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// «Лапа: 38 % звонков не могут привести к приёму, 16–22 ноября 2026».
    pub subject: String,
    /// For readers without pages.
    pub text: String,
    /// The same as a page.
    pub html: String,
}

/// One answer.
struct Line {
    what: &'static str,
    value: String,
    /// What it is made of or compared with.
    note: String,
}

/// Something to change.
struct Advice {
    title: String,
    size: String,
    advice: String,
}

/// Writes a week down; `page` is where the pages are.
pub fn letter(figures: &Figures, lang: Lang, page: &str) -> Letter {
    let report = &figures.report;
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let (from, to) = (report.period.from, report.period.to);
    let link = format!("{page}/desk/{}/report?from={from}&to={to}", report.clinic);
    let week = lang.period(report.period);
    let subject = format!("{}: {}, {week}", report.clinic_name, t("звонки за неделю", "the week's calls"));
    let headline = report.headline_text(lang);
    let lead = report.lead_text(lang);
    let lines = lines(figures, lang);
    let advice = advice(figures, lang);
    let whole = t("Отчёт целиком, с определениями каждой цифры", "The whole report, with every figure's definition");
    let about = t(
        "Письмо приходит раз в неделю; кому и когда — раздел [report] файла connections.toml на сервере клиники.",
        "This letter comes once a week; to whom and when is [report] in connections.toml on the clinic's server.",
    );

    let mut text = format!("{} · {week}\n\n{headline}\n", report.clinic_name);
    if let Some(lead) = &lead {
        text += &format!("{lead}\n");
    }
    text.push('\n');
    for line in &lines {
        text += &format!("{}: {}", line.what, line.value);
        text += &if line.note.is_empty() { "\n".to_owned() } else { format!(" ({})\n", line.note) };
    }
    if !advice.is_empty() {
        text += &format!("\n{}\n", t("Что изменить", "What to change"));
        for one in &advice {
            text += &format!("- {}: {}. {}\n", one.title, one.size, one.advice);
        }
    }
    text += &format!("\n{whole}:\n{link}\n\n{about}\n");

    let html = html(
        lang,
        &subject,
        html! {
            p style="margin:0;color:#666" { (report.clinic_name) " · " (week) }
            h1 style="margin:8px 0;font-size:21px;line-height:1.3" { (headline) }
            @if let Some(lead) = &lead { p style="margin:0 0 16px" { (lead) } }
            table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse" {
                @for line in &lines { tr {
                    td style="padding:9px 12px 9px 0;border-top:1px solid #ddd;vertical-align:top" {
                        (line.what) @if !line.note.is_empty() { br; span style="color:#666;font-size:13px" { (line.note) } }
                    }
                    td align="right" style="padding:9px 0;border-top:1px solid #ddd;vertical-align:top;white-space:nowrap" { b { (line.value) } }
                } }
            }
            @if !advice.is_empty() {
                h2 style="margin:22px 0 6px;font-size:17px" { (t("Что изменить", "What to change")) }
                @for one in &advice {
                    p style="margin:0 0 10px" { b { (one.title) } " — " (one.size) br; (one.advice) }
                }
            }
            p style="margin:22px 0" {
                a href=(link) style="display:inline-block;padding:11px 16px;border-radius:8px;background:#1f5fbf;color:#fff;text-decoration:none" { (t("Открыть отчёт", "Open the report")) }
            }
            p style="margin:0;color:#666;font-size:13px" { (about) }
        },
    );
    Letter { subject, text, html }
}

fn html(lang: Lang, title: &str, body: Markup) -> String {
    html! {
        (DOCTYPE)
        html lang=(lang.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
            }
            body style="margin:0;background:#f4f4f2" {
                (PreEscaped("<!-- One column that every mail reader draws alike. -->"))
                div style="max-width:560px;margin:0 auto;padding:24px 20px;background:#fff;color:#1a1a1a;font:16px/1.45 -apple-system,Segoe UI,Roboto,Arial,sans-serif" {
                    (body)
                }
            }
        }
    }
    .into_string()
}

fn lines(figures: &Figures, lang: Lang) -> Vec<Line> {
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let (now, before) = (&figures.report.kpis, figures.report.kpis_before.as_ref());
    let was = |earlier: Option<String>| {
        earlier.map(|earlier| format!("{} {earlier}", t("неделей раньше", "the week before"))).unwrap_or_default()
    };
    let share = |share: Option<Share>| share.map(|share| lang.share(share)).unwrap_or_else(|| "—".to_owned());
    let mut lines = vec![
        Line {
            what: t("Звонки", "Calls"),
            value: lang.number(now.offered),
            note: was(before.map(|before| lang.number(before.offered))),
        },
        Line {
            what: t("Потеряны", "Lost"),
            value: format!("{} · {}", lang.number(now.lost), share(now.lcr_gross)),
            note: was(before.and_then(|before| before.lcr_gross).map(|share| lang.share(share))),
        },
    ];
    let wasted = &figures.report.non_target.non_target;
    let cost = wasted.now.cost.as_ref().map_or_else(|| lang.duration(wasted.now.time_ms), |cost| lang.money(cost));
    lines.push(Line {
        what: t("Нецелевые звонки", "Non-target calls"),
        value: format!("{} · {cost}", share(wasted.now.share)),
        note: was(wasted.before.as_ref().and_then(|before| before.share).map(|share| lang.share(share))),
    });
    lines.push(Line {
        what: t("Позвонили → целевые → записались → пришли", "Called → target → booked → arrived"),
        value: [now.offered, now.target, now.visits.booked, now.visits.arrived].map(|n| lang.number(n)).join(" → "),
        note: now
            .booking_rate
            .map(|rate| format!("{} {}", t("из целевых записались", "of target calls booked"), lang.share(rate)))
            .unwrap_or_default(),
    });
    let (asked, booked, goal) = figures.first_time;
    if let Some(rate) = Share::of(i64::try_from(booked).unwrap_or(0), i64::try_from(asked).unwrap_or(0)) {
        let goal = (goal * 100.0).round() as i64;
        lines.push(Line {
            what: t("Первичные заявки записались", "First-time requests booked"),
            value: lang.share(rate),
            note: match lang {
                Lang::Ru => format!("{booked} из {asked}; цель {goal}\u{a0}%"),
                Lang::En => format!("{booked} of {asked}; the goal is {goal}%"),
            },
        });
    }
    let lost = figures.cancelled + figures.missed;
    if lost > 0 {
        let mut parts = vec![
            format!("{} {}", t("отменены", "cancelled"), lang.number(figures.cancelled)),
            format!("{} {}", t("не пришли", "did not come"), lang.number(figures.missed)),
        ];
        parts.extend(figures.reasons.iter().take(REASONS).map(|(reason, n)| format!("{reason}: {}", lang.number(*n))));
        lines.push(Line {
            what: t("Потерянные визиты", "Lost visits"),
            value: lang.number(lost),
            note: parts.join(", "),
        });
    }
    lines
}

/// What cost most and can be changed, dearest first.
fn advice(figures: &Figures, lang: Lang) -> Vec<Advice> {
    let non_target = figures.report.non_target.rows.iter().filter(|row| {
        let advice = lang.pick(&row.category.advice_ru, &row.category.advice_en);
        row.category.counts_as == CountsAs::NonTarget && row.figures.now.calls > 0 && !advice.is_empty()
    });
    let one = |row: &reports::non_target::Row| {
        let now = &row.figures.now;
        let cost = now.cost.as_ref().map_or_else(|| lang.duration(now.time_ms), |cost| lang.money(cost));
        Advice {
            title: lang.pick(&row.category.title_ru, &row.category.title_en).clone(),
            size: format!("{}, {cost}", lang.calls(now.calls)),
            advice: lang.pick(&row.category.advice_ru, &row.category.advice_en).clone(),
        }
    };
    non_target.take(ADVISED).map(one).collect()
}
