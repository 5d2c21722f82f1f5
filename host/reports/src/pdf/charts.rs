//! When calls came, and how long callers waited.

use super::font::Weight;
use super::sheet::{Colour, INK, LINE, NON, SOFT, Sheet, TARGET, TRACK};
use crate::{Lang, Report};

/// Bars that fit beside one another; a longer period is drawn by weeks.
const MOST_BARS: usize = 92;
const HEIGHT: f32 = 92.0;

pub(super) fn days(sheet: &mut Sheet, report: &Report, lang: Lang) {
    let by_week = report.days.len() > MOST_BARS;
    let bars: Vec<(String, i64, i64)> = report
        .days
        .chunks(if by_week { 7 } else { 1 })
        .filter_map(|days| {
            let first = days.first()?.date;
            let sum = |pick: fn(&crate::Day) -> i64| days.iter().map(pick).sum();
            Some((format!("{}.{:02}", first.day(), first.month()), sum(|day| day.calls), sum(|day| day.answered)))
        })
        .collect();
    if bars.len() < 3 || bars.iter().all(|bar| bar.1 == 0) {
        return;
    }
    let title = match by_week {
        true => lang.pick("Звонки по неделям", "Calls by week"),
        false => lang.pick("Звонки по дням", "Calls by day"),
    };
    sheet.heading(title, "", HEIGHT + 34.0);
    legend(sheet, &[(TARGET, lang.pick("отвечены", "answered")), (NON, lang.pick("потеряны", "lost"))]);
    let most = bars.iter().map(|bar| bar.1).max().unwrap_or(0).max(1);
    let (top, left) = (sheet.y(), Sheet::LEFT + 24.0);
    let step = (Sheet::ACROSS - 24.0) / bars.len() as f32;
    let scale = HEIGHT / most as f32;
    for share in [0.0, 0.5, 1.0] {
        let y = top + HEIGHT * (1.0 - share);
        sheet.rect(left, y, Sheet::ACROSS - 24.0, 0.4, LINE);
        let count = (most as f32 * share).round() as i64;
        sheet.text_to(left - 4.0, y + 3.0, Weight::Regular, 7.0, SOFT, &lang.number(count));
    }
    let every = (28.0 / step).ceil().max(1.0) as usize;
    for (n, (day, calls, answered)) in bars.iter().enumerate() {
        let x = left + n as f32 * step;
        let width = (step * 0.78).max(0.6);
        let (good, bad) = (*answered as f32 * scale, (calls - answered) as f32 * scale);
        sheet.rect(x, top + HEIGHT - good, width, good, TARGET);
        sheet.rect(x, top + HEIGHT - good - bad, width, bad, NON);
        if n % every == 0 {
            sheet.text(x, top + HEIGHT + 10.0, Weight::Regular, 7.0, SOFT, day);
        }
    }
    sheet.down(HEIGHT + 16.0);
}

/// Calls an hour on average, by weekday and hour.
pub(super) fn hours(sheet: &mut Sheet, report: &Report, lang: Lang) {
    const CELL: f32 = 15.0;
    if report.hours.is_empty() {
        return;
    }
    let weekdays = report.period.weekdays();
    let mean = |hour: i64, calls: i64| {
        let times = usize::try_from(hour / 24).ok().and_then(|day| weekdays.get(day)).copied().unwrap_or(1).max(1);
        calls as f32 / times as f32
    };
    let first = report.hours.iter().map(|total| total.hour % 24).min().unwrap_or(0);
    let last = report.hours.iter().map(|total| total.hour % 24).max().unwrap_or(23);
    let most = report.hours.iter().map(|total| mean(total.hour, total.calls)).fold(0.0, f32::max).max(0.001);
    let note =
        lang.pick("Звонков в час в среднем, по дням недели и часам.", "Calls an hour on average, by weekday and hour.");
    sheet.heading(lang.pick("Когда звонят", "When they call"), note, CELL * 8.0);
    let (top, left) = (sheet.y(), Sheet::LEFT + 24.0);
    let width = ((Sheet::ACROSS - 24.0) / (last - first + 1) as f32).min(34.0);
    for hour in first..=last {
        let x = left + (hour - first) as f32 * width;
        sheet.text(x + 2.0, top + 8.0, Weight::Regular, 7.0, SOFT, &hour.to_string());
    }
    for day in 0..7_i64 {
        let y = top + 12.0 + day as f32 * CELL;
        let name = lang.weekday(usize::try_from(day).unwrap_or(0));
        sheet.text(Sheet::LEFT, y + 10.0, Weight::Regular, 8.0, SOFT, name);
        for hour in first..=last {
            let x = left + (hour - first) as f32 * width;
            let found = report.hours.iter().find(|total| total.hour == day * 24 + hour);
            let calls = found.map_or(0.0, |total| mean(total.hour, total.calls));
            let part = calls / most;
            sheet.rect(x, y, width - 1.0, CELL - 1.0, shade(part));
            if calls > 0.0 {
                let said = if calls < 10.0 { format!("{calls:.1}") } else { format!("{calls:.0}") };
                let said = lang.pick(said.replace('.', ","), said);
                let colour = if part > 0.55 { [1.0, 1.0, 1.0] } else { INK };
                sheet.text_to(x + width - 3.5, y + 10.0, Weight::Regular, 7.0, colour, &said);
            }
        }
    }
    sheet.down(12.0 + 7.0 * CELL + 4.0);
}

/// From the colour of nothing to that of the most.
fn shade(part: f32) -> Colour {
    std::array::from_fn(|n| TRACK[n] + (TARGET[n] - TRACK[n]) * part.clamp(0.0, 1.0))
}

pub(super) fn waits(sheet: &mut Sheet, report: &Report, lang: Lang) {
    let most = report.waits.iter().map(|bucket| bucket.answered + bucket.lost).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    sheet.heading(lang.pick("Сколько ждали ответа", "How long callers waited"), "", 90.0);
    legend(sheet, &[(TARGET, lang.pick("отвечены", "answered")), (NON, lang.pick("потеряны", "lost"))]);
    for bucket in &report.waits {
        let name = match bucket.up_to_ms {
            Some(ms) => format!("{} {}", lang.pick("до", "up to"), lang.duration(ms)),
            None => lang.pick("дольше", "longer").to_owned(),
        };
        let part = |count: i64| count as f32 / most as f32;
        let parts = [(part(bucket.answered), TARGET), (part(bucket.lost), NON)];
        sheet.bar(&name, &parts, &lang.number(bucket.answered + bucket.lost), "");
    }
}

fn legend(sheet: &mut Sheet, parts: &[(Colour, &str)]) {
    let (mut x, y) = (Sheet::LEFT, sheet.y());
    for (colour, name) in parts {
        sheet.rect(x, y + 1.0, 7.0, 7.0, *colour);
        sheet.text(x + 11.0, y + 8.0, Weight::Regular, 8.5, SOFT, name);
        x += 26.0 + sheet.width(Weight::Regular, 8.5, name);
    }
    sheet.down(16.0);
}
