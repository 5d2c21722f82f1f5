//! Writes the report of a made-up clinic and month as pages, in both languages, and as JSON, into the folder given:
//! `cargo run -p reports --example sample_report -- FOLDER`. The pictures in the documentation are made from them.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use records::Store;
use reports::kpi::Thresholds;
use reports::{Amount, CategoryInfo, CountsAs, Lang, Report, ReportInput, page};

#[path = "../tests/report/sample.rs"]
mod sample;

#[derive(serde::Deserialize)]
struct Taxonomy {
    category: Vec<Category>,
}

#[derive(serde::Deserialize)]
struct Category {
    id: String,
    title_ru: String,
    title_en: String,
    counts_as: CountsAs,
    #[serde(default)]
    may_sell: bool,
    #[serde(default)]
    may_book: bool,
    advice_ru: String,
    advice_en: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("give the folder to write to")?);
    let scratch = tempfile::tempdir()?;
    let store = Store::open(scratch.path().join("gudok.db")).await?;
    let (september, october) = (sample::month(2026, 9), sample::month(2026, 10));
    let mut earlier = sample::MIX;
    earlier[1].1 = 85;
    earlier[2].1 = 120;
    sample::fill(&store, september, 34, &earlier, 1).await;
    sample::fill(&store, october, 38, &sample::MIX, 2).await;

    let taxonomy: Taxonomy = toml::from_str(include_str!("../../../models/taxonomy.toml"))?;
    let info = |c: Category| CategoryInfo {
        id: c.id,
        title_ru: c.title_ru,
        title_en: c.title_en,
        counts_as: c.counts_as,
        may_sell: c.may_sell,
        may_book: c.may_book,
        advice_ru: c.advice_ru,
        advice_en: c.advice_en,
    };
    let input = ReportInput {
        clinic: sample::CLINIC.into(),
        clinic_name: "Ветклиника «Лапа»".into(),
        timezone: sample::ZONE.into(),
        from: october.from,
        to: october.to,
        categories: taxonomy.category.into_iter().map(info).collect(),
        minute_cost: Some(Amount::new(950, "RUB")),
        thresholds: Thresholds::default(),
    };
    let report = Report::build(&store, &input).await?;
    std::fs::create_dir_all(&folder)?;
    for lang in [Lang::Ru, Lang::En] {
        std::fs::write(folder.join(format!("report.{}.html", lang.as_str())), page::html(&report, lang))?;
    }
    std::fs::write(folder.join("report.json"), serde_json::to_string_pretty(&report)?)?;
    // A clinic's first month: nothing before, no price of a minute.
    let first = ReportInput { from: september.from, to: september.to, minute_cost: None, ..input };
    let report = Report::build(&store, &first).await?;
    std::fs::write(folder.join("first.ru.html"), page::html(&report, Lang::Ru))?;
    Ok(())
}
