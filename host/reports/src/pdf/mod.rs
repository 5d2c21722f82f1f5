//! The report as a document: A4, text that can be searched and copied, tables and charts as vectors, page numbers.
//!
//! Layout: this file is what stands in the document; [`charts`] draws days, hours and waits; [`sheet`] fills pages from top to
//! bottom; [`font`] measures and embeds the letters. Nothing personal gets in, as everywhere in a report.

mod charts;
mod font;
mod sheet;

use crate::kpi;
use crate::non_target::{Compared, Row as Category};
use crate::{CountsAs, Lang, Report, Share};

use font::Weight;
use sheet::{Column, INK, MAYBE, NON, Row, SOFT, Sheet, TARGET};

/// A table that stands beside the report's own: the plan, doctors, lost visits.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// A sentence below; may be empty.
    pub note: String,
    /// The columns; every one but the first holds figures.
    pub heads: Vec<String>,
    /// As many cells in each.
    pub rows: Vec<Vec<String>>,
}

/// The document. `beside` are tables of what only the clinic's own pages know.
pub fn pdf(report: &Report, lang: Lang, beside: &[Table]) -> Vec<u8> {
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let mut sheet = Sheet::new();
    let period = lang.period(report.period);
    let compared = format!("{period} · {} {}", t("в сравнении:", "compared with"), lang.period(report.before));
    sheet.paragraph(Weight::Regular, 9.0, SOFT, &format!("{} · {compared}", report.clinic_name));
    sheet.down(6.0);
    sheet.paragraph(Weight::Bold, 17.0, INK, &report.headline_text(lang));
    if let Some(lead) = report.lead_text(lang) {
        sheet.down(4.0);
        sheet.paragraph(Weight::Regular, 10.5, INK, &lead);
    }
    tiles(&mut sheet, report, lang);
    for table in beside.iter().take(1) {
        own(&mut sheet, table);
    }
    funnel(&mut sheet, report, lang);
    categories(&mut sheet, report, lang);
    charts::days(&mut sheet, report, lang);
    charts::hours(&mut sheet, report, lang);
    charts::waits(&mut sheet, report, lang);
    for table in beside.iter().skip(1) {
        own(&mut sheet, table);
    }
    service(&mut sheet, report, lang);
    counted(&mut sheet, report, lang);
    let title = format!("{}, {period}", report.clinic_name);
    let foot = format!("{} · {} · {period}", t("Гудок", "Gudok"), report.clinic_name);
    sheet.finish(&title, lang.as_str(), &foot, |n, all| match lang {
        Lang::Ru => format!("стр. {n} из {all}"),
        Lang::En => format!("page {n} of {all}"),
    })
}

/// Six figures, three in a row.
fn tiles(sheet: &mut Sheet, report: &Report, lang: Lang) {
    let (now, before) = (&report.kpis, report.kpis_before.as_ref());
    let t = |ru: &str, en: &str| lang.pick(ru, en).to_owned();
    let share = |share: Option<Share>| share.map(|share| lang.share(share));
    let was = |value: Option<String>| {
        value.map_or_else(|| t("раньше нет данных", "no data before"), |value| format!("{} {value}", t("было", "was")))
    };
    let wasted = &report.non_target.non_target;
    let cost = |figures: &crate::non_target::Figures| {
        figures.cost.as_ref().map_or_else(|| lang.duration(figures.time_ms), |cost| lang.money(cost))
    };
    let seconds = report.thresholds.answer_ms / 1000;
    let in_time = lang.pick(format!("отвечены за {seconds} с, от всех"), format!("of all answered within {seconds} s"));
    let tiles = [
        (
            t("поступило звонков", "calls came in"),
            Some(lang.number(now.offered)),
            before.map(|b| lang.number(b.offered)),
        ),
        (in_time, share(now.sl_offered), before.and_then(|b| share(b.sl_offered))),
        (t("потеряно", "lost"), share(now.lcr_gross), before.and_then(|b| share(b.lcr_gross))),
        (
            t("нецелевых звонков", "of calls are non-target"),
            share(wasted.now.share),
            wasted.before.as_ref().and_then(|b| share(b.share)),
        ),
        (t("стоили нецелевые", "non-target calls took"), Some(cost(&wasted.now)), wasted.before.as_ref().map(cost)),
        (
            t("целевых записались", "of target calls booked"),
            share(now.booking_rate),
            before.and_then(|b| share(b.booking_rate)),
        ),
    ];
    sheet.down(12.0);
    let width = Sheet::ACROSS / 3.0;
    for row in tiles.chunks(3) {
        sheet.room(60.0);
        let top = sheet.y();
        for (n, (title, value, earlier)) in row.iter().enumerate() {
            let x = Sheet::LEFT + n as f32 * width;
            let value = value.clone().unwrap_or_else(|| t("нет данных", "no data"));
            sheet.text(x, top + 12.0, Weight::Regular, 8.5, SOFT, title);
            sheet.text(x, top + 33.0, Weight::Bold, 19.0, INK, &value);
            sheet.text(x, top + 46.0, Weight::Regular, 8.5, SOFT, &was(earlier.clone()));
        }
        sheet.down(58.0);
    }
}

fn funnel(sheet: &mut Sheet, report: &Report, lang: Lang) {
    let t = |ru: &'static str, en: &'static str| lang.pick(ru, en);
    let kpis = &report.kpis;
    let of =
        |share: Option<Share>, of: &str| share.map(|share| format!("{} {of}", lang.share(share))).unwrap_or_default();
    let steps = [
        (t("поступило", "came in"), kpis.offered, String::new()),
        (
            t("отвечены", "answered"),
            kpis.answered,
            of(Share::of(kpis.answered, kpis.offered), t("от поступивших", "of those that came in")),
        ),
        (
            t("целевые", "target"),
            kpis.target,
            of(Share::of(kpis.target, kpis.answered), t("от отвеченных", "of answered")),
        ),
        (t("записались", "booked"), kpis.visits.booked, of(kpis.booking_rate, t("от целевых", "of target"))),
        (t("пришли", "arrived"), kpis.visits.arrived, of(kpis.arrival_rate, t("от записавшихся", "of booked"))),
    ];
    let most = steps.iter().map(|step| step.1).max().unwrap_or(0).max(1) as f32;
    let note = match lang {
        Lang::Ru => format!("Первичных {}, повторных {}.", lang.number(kpis.first_time), lang.number(kpis.repeat)),
        Lang::En => {
            format!("First-time callers {}, repeat {}.", lang.number(kpis.first_time), lang.number(kpis.repeat))
        }
    };
    sheet.heading(t("От звонка до приёма", "From call to visit"), &note, 84.0);
    for (name, count, note) in steps {
        sheet.bar(name, &[(count as f32 / most, TARGET)], &lang.number(count), &note);
    }
}

fn tone(row: &Category) -> sheet::Colour {
    match row.category.counts_as {
        CountsAs::Target => TARGET,
        CountsAs::NonTarget if row.category.may_sell || row.category.may_book => MAYBE,
        CountsAs::NonTarget => NON,
    }
}

/// Every category with what it took, and what the clinic can do about it.
fn categories(sheet: &mut Sheet, report: &Report, lang: Lang) {
    let t = |ru: &str, en: &str| lang.pick(ru, en).to_owned();
    let found = &report.non_target;
    let figure = |title: String, share: f32| Column { title, share, is_figure: true };
    let columns = [
        Column {
            title: t("категория, самые дорогие сверху", "category, the dearest first"),
            share: 0.40,
            is_figure: false,
        },
        figure(t("звонки", "calls"), 0.12),
        figure(t("доля", "share"), 0.12),
        figure(t("минуты", "minutes"), 0.12),
        figure(t("деньги", "money"), 0.12),
        figure(t("было звонков", "calls before"), 0.12),
    ];
    let line = |title: &str, figures: &Compared| {
        let now = &figures.now;
        vec![
            title.to_owned(),
            lang.number(now.calls),
            now.share.map(|share| lang.share(share)).unwrap_or_default(),
            lang.number(lang.minutes(now.time_ms)),
            now.cost.as_ref().map(|cost| lang.money(cost)).unwrap_or_default(),
            figures.before.as_ref().map(|before| lang.number(before.calls)).unwrap_or_default(),
        ]
    };
    let of = |counts_as: CountsAs| {
        found.rows.iter().filter(move |row| row.is_used() && row.category.counts_as == counts_as).map(|row| Row {
            cells: line(lang.pick(&row.category.title_ru, &row.category.title_en), &row.figures),
            dot: Some(tone(row)),
            note: lang.pick(&row.category.advice_ru, &row.category.advice_en).clone(),
            ..Row::default()
        })
    };
    let sum = |title: String, figures: &Compared| Row { cells: line(&title, figures), is_sum: true, ..Row::default() };
    let mut rows: Vec<Row> = of(CountsAs::NonTarget).collect();
    rows.push(sum(t("Все нецелевые", "All non-target"), &found.non_target));
    rows.extend(of(CountsAs::Target));
    if found.untagged.now.calls > 0 {
        rows.push(sum(t("Без категории", "Without a category"), &found.untagged));
    }
    let note = match lang {
        Lang::Ru => format!("Доли — от звонков с категорией: их {}.", lang.number(found.tagged.now.calls)),
        Lang::En => format!("Shares are of calls that have a category: {}.", lang.number(found.tagged.now.calls)),
    };
    sheet.heading(&t("О чём звонили и что изменить", "What calls were about, and what to change"), &note, 80.0);
    sheet.table(&columns, &rows);
}

fn own(sheet: &mut Sheet, table: &Table) {
    let figures = table.heads.len().saturating_sub(1).max(1) as f32;
    let columns: Vec<Column> = table
        .heads
        .iter()
        .enumerate()
        .map(|(n, title)| Column {
            title: title.clone(),
            share: if n == 0 { 0.46 } else { 0.54 / figures },
            is_figure: n > 0,
        })
        .collect();
    let rows: Vec<Row> = table.rows.iter().map(|cells| Row { cells: cells.clone(), ..Row::default() }).collect();
    sheet.heading(&table.title, &table.note, 60.0);
    sheet.table(&columns, &rows);
}

/// Every indicator with its definition.
fn service(sheet: &mut Sheet, report: &Report, lang: Lang) {
    let t = |ru: &str, en: &str| lang.pick(ru, en).to_owned();
    let rows: Vec<Row> = kpi::definitions()
        .iter()
        .filter_map(|definition| {
            let now = lang.figure(&report.kpis, definition.id)?;
            let before =
                report.kpis_before.as_ref().and_then(|kpis| lang.figure(kpis, definition.id)).unwrap_or_default();
            let cells = vec![lang.pick(definition.title_ru, definition.title_en).to_owned(), now, before];
            // The font was drawn for words.
            let note = lang.pick(definition.text_ru, definition.text_en).replace('Σ', lang.pick("сумма", "sum of"));
            Some(Row { cells, note, ..Row::default() })
        })
        .collect();
    let limits = report.thresholds;
    let note = format!("T = {}, S = {}.", lang.duration(limits.answer_ms), lang.duration(limits.short_ms));
    let columns = [
        Column {
            title: t("показатель и его формула", "figure and its formula"), share: 0.60, is_figure: false
        },
        Column { title: t("за период", "this period"), share: 0.20, is_figure: true },
        Column { title: t("было", "before"), share: 0.20, is_figure: true },
    ];
    sheet.heading(
        &t("Как быстро отвечали и сколько потеряли", "How fast calls were answered, and how many were lost"),
        &note,
        70.0,
    );
    sheet.table(&columns, &rows);
}

fn counted(sheet: &mut Sheet, report: &Report, lang: Lang) {
    let definition = |id| kpi::definition(id).map(|found| lang.pick(found.text_ru, found.text_en)).unwrap_or_default();
    let by = match &report.model_version {
        Some(version) => {
            format!("{} {version}.", lang.pick("Категории определил классификатор", "Categories are by classifier"))
        }
        None => lang
            .pick("Категории проставлены людьми или сценарием.", "Categories were given by people or by the flow.")
            .to_owned(),
    };
    let zone = format!("{} {}.", lang.pick("Входящие звонки; время —", "Incoming calls; times are"), report.timezone);
    let text =
        [definition("non_target"), by.as_str(), zone.as_str(), definition("booking_rate"), definition("arrival_rate")];
    sheet.heading(lang.pick("Как это посчитано", "How this was counted"), "", 40.0);
    sheet.paragraph(Weight::Regular, 8.5, SOFT, &text.join(" "));
}
