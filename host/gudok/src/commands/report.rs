//! `gudok report`: the share of non-target calls in calls, minutes and money, and the service's figures.

use std::path::Path;

use anyhow::{Context, Result};
use desk::Clinic;
use jiff::Zoned;
use jiff::civil::Date;
use records::Store;
use reports::non_target::Compared;
use reports::{Amount, CategoryInfo, CountsAs, Lang, Report, ReportInput, Share, page};
use serde_json::json;
use understanding::category::{self, Taxonomy};

use crate::cli::{self, Format};
use crate::clinics;
use crate::in_use;
use crate::output::List;
use crate::place::Place;
use crate::terminal::Paint;

pub async fn run(args: &cli::Report, place: &Place) -> Result<()> {
    let clinic = clinics::one(&args.clinic)?;
    let today = Zoned::now().with_time_zone(clinic.zone.clone()).date();
    let (from, to) = (args.from.unwrap_or_else(|| today.first_of_month()), args.to.unwrap_or(today));
    let report = build(&place.store().await?, &clinic, from, to, place).await?;
    print(&report, args.format)?;
    if let Some(path) = &args.html {
        write_html(&report, args.lang, path)?;
        eprintln!("    {}", path.display());
    }
    Ok(())
}

/// The report of one clinic from one day to another, both included.
pub async fn build(store: &Store, clinic: &Clinic, from: Date, to: Date, place: &Place) -> Result<Report> {
    let input = ReportInput {
        clinic: clinic.id.clone(),
        clinic_name: clinic.name.clone(),
        timezone: clinic.timezone.clone(),
        from,
        to,
        categories: in_use::categories(place, &clinic.id).iter().map(info).collect(),
        minute_cost: clinic.minute_cost.map(|cost| Amount::new(cost.minor, cost.currency.as_str())),
        thresholds: reports::kpi::Thresholds::default(),
    };
    Ok(Report::build(store, &input).await?)
}

/// The taxonomy, as the report needs it.
pub fn categories() -> Vec<CategoryInfo> {
    Taxonomy::embedded().categories.iter().map(info).collect()
}

/// A category, as the report needs it.
pub fn info(category: &category::Category) -> CategoryInfo {
    CategoryInfo {
        id: category.id.clone(),
        title_ru: category.title_ru.clone(),
        title_en: category.title_en.clone(),
        counts_as: match category.counts_as {
            category::CountsAs::Target => CountsAs::Target,
            category::CountsAs::NonTarget => CountsAs::NonTarget,
        },
        may_sell: category.may_sell,
        may_book: category.may_book,
        advice_ru: category.advice_ru.clone(),
        advice_en: category.advice_en.clone(),
    }
}

/// Write the page.
pub fn write_html(report: &Report, lang: cli::Lang, path: &Path) -> Result<()> {
    let lang = match lang {
        cli::Lang::Ru => Lang::Ru,
        cli::Lang::En => Lang::En,
    };
    std::fs::write(path, page::html(report, lang)).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Print to the terminal.
pub fn print(report: &Report, format: Format) -> Result<()> {
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(report)?),
        Format::Csv => rows(report).print(Format::Csv)?,
        Format::Table => {
            let paint = Paint::stdout();
            println!("{} с {} по {}", paint.bold(&report.clinic_name), day(report.period.from), day(report.period.to));
            println!("{}\n", paint.bold(&report.headline_text(Lang::Ru)));
            bars(report, &paint);
            service(report, &paint);
        }
    }
    Ok(())
}

fn rows(report: &Report) -> List {
    let mut list = List::new(&[
        ("category", "category"),
        ("title", "title"),
        ("counts_as", "counts as"),
        ("calls", "calls"),
        ("share_percent", "%"),
        ("minutes", "minutes"),
        ("money", "money"),
        ("calls_change", "change in calls"),
    ]);
    for row in &report.non_target.rows {
        let figures = &row.figures.now;
        list.row([
            json!(row.category.id),
            json!(row.category.title_ru),
            json!(row.category.counts_as),
            json!(figures.calls),
            json!(figures.share.map(|share| share.permille() as f64 / 10.0)),
            json!(minutes(figures.time_ms)),
            json!(figures.cost.as_ref().map(plain_money)),
            json!(row.figures.change.as_ref().map(|change| change.calls)),
        ]);
    }
    list
}

/// One line a category: a bar for the calls, the figures, the change against the period before.
fn bars(report: &Report, paint: &Paint) {
    const WIDTH: usize = 24;
    let most = report.non_target.rows.iter().map(|row| row.figures.now.calls).max().unwrap_or(1).max(1);
    let before = paint.dim("к прошлому периоду");
    println!("  {:34} {:WIDTH$}  звонков   доля   минут  стоимость  {before}", "", "");
    for row in &report.non_target.rows {
        let filled = usize::try_from(row.figures.now.calls * WIDTH as i64 / most).unwrap_or(0);
        let bar = format!("{}{}", "█".repeat(filled), " ".repeat(WIDTH - filled.min(WIDTH)));
        let bar = if row.category.counts_as == CountsAs::Target { paint.green(&bar) } else { paint.yellow(&bar) };
        println!("  {:34} {bar}  {}", row.category.title_ru, figures(&row.figures, paint));
    }
    println!(
        "  {:34} {:WIDTH$}  {}",
        paint.bold(&format!("{:34}", "Нецелевые вместе")),
        "",
        figures(&report.non_target.non_target, paint)
    );
    if report.non_target.untagged.now.calls > 0 {
        println!("  {}", paint.dim(&format!("без категории: {}", report.non_target.untagged.now.calls)));
    }
}

fn figures(compared: &Compared, paint: &Paint) -> String {
    let now = &compared.now;
    let change = compared.change.as_ref().map_or_else(
        || paint.dim("нет данных"),
        |change| {
            let points = change.share_tenths_pp.map_or_else(String::new, |tenths| {
                format!(", доля {}{},{} п. п.", sign(tenths), tenths.abs() / 10, tenths.abs() % 10)
            });
            paint.dim(&format!("{}{} {}{points}", sign(change.calls), change.calls.abs(), calls(change.calls)))
        },
    );
    format!(
        "{:7} {:>6} {:>7} {:>10}  {change}",
        now.calls,
        now.share.map_or_else(|| "—".into(), Share::ru),
        minutes(now.time_ms),
        now.cost.as_ref().map_or_else(|| "—".into(), money),
    )
}

fn service(report: &Report, paint: &Paint) {
    let kpis = &report.kpis;
    let share = |share: Option<Share>| share.map_or_else(|| "нет данных".into(), Share::ru);
    let seconds = |ms: Option<i64>| ms.map_or_else(|| "нет данных".into(), |ms| format!("{} с", (ms + 500) / 1_000));
    println!("\n  {}", paint.bold("Линия"));
    println!(
        "  входящих {} · отвечено {} · потеряно {} ({}) · впервые {} · повторно {}",
        kpis.offered,
        kpis.answered,
        kpis.lost,
        share(kpis.lcr_gross),
        kpis.first_time,
        kpis.repeat
    );
    println!(
        "  уровень сервиса за {} с: {} от поступивших, {} от отвеченных · ожидание {} · разговор {} · обработка {}",
        report.thresholds.answer_ms / 1_000,
        share(kpis.sl_offered),
        share(kpis.sl_answered),
        seconds(kpis.asa_ms),
        seconds(kpis.att_ms),
        seconds(kpis.aht_ms)
    );
}

/// «1 звонок», «3 звонка», «5 звонков».
fn calls(count: i64) -> &'static str {
    match (count.abs() % 10, count.abs() % 100) {
        (1, tens) if tens != 11 => "звонок",
        (2..=4, tens) if !(12..=14).contains(&tens) => "звонка",
        _ => "звонков",
    }
}

fn day(day: Date) -> String {
    day.strftime("%d.%m.%Y").to_string()
}

fn minutes(ms: i64) -> i64 {
    (ms + 30_000) / 60_000
}

/// For programs: `2400.50`.
fn plain_money(amount: &Amount) -> String {
    format!("{}{}.{:02}", if amount.minor < 0 { "-" } else { "" }, amount.minor.abs() / 100, amount.minor.abs() % 100)
}

fn money(amount: &Amount) -> String {
    let (units, unit) =
        ((amount.minor.abs() + 50) / 100, if amount.currency == "RUB" { "₽" } else { amount.currency.as_str() });
    let digits = units.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    format!("{}{grouped} {unit}", if amount.minor < 0 { "−" } else { "" })
}

fn sign(value: i64) -> &'static str {
    match value {
        0 => "±",
        1.. => "+",
        _ => "−",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_agree_with_their_number() {
        assert_eq!(
            [1, 2, 5, 11, 12, 21, -3].map(calls),
            ["звонок", "звонка", "звонков", "звонков", "звонков", "звонок", "звонка"]
        );
    }

    #[test]
    fn money_is_grouped() {
        assert_eq!(money(&Amount::new(123_456_789, "RUB")), "1\u{a0}234\u{a0}568 ₽");
        assert_eq!(money(&Amount::new(-95_000, "EUR")), "−950 EUR");
    }
}
