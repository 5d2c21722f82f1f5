//! The whole way from recorded calls to the report, its JSON and its page.

#![allow(clippy::unwrap_used)]

mod pdf;
#[allow(dead_code)]
mod sample;

use jiff::civil::date;
use records::{CallRecord, Direction, Store};
use reports::kpi::{self, Thresholds};
use reports::{Amount, CategoryInfo, CountsAs, Lang, Period, Report, ReportError, ReportInput, Share, page};
use tempfile::TempDir;

async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    (folder, store)
}

fn categories() -> Vec<CategoryInfo> {
    let category = |id: &str, title_ru: &str, title_en: &str, counts_as| CategoryInfo {
        id: id.into(),
        title_ru: title_ru.into(),
        title_en: title_en.into(),
        counts_as,
        may_sell: false,
        may_book: false,
        advice_ru: format!("Совет: {title_ru}."),
        advice_en: format!("Advice: {title_en}."),
    };
    vec![
        category("target", "Потенциальный клиент", "Potential client", CountsAs::Target),
        category("inpatient", "О пациенте в стационаре", "About a patient in the ward", CountsAs::NonTarget),
        category("doctor", "Вопрос <script>alert(1)</script>", "A \"question\" & <b>more</b>", CountsAs::NonTarget),
    ]
}

fn input(period: Period) -> ReportInput {
    ReportInput {
        clinic: sample::CLINIC.into(),
        clinic_name: "Ветклиника «Лапа» <u>".into(),
        timezone: sample::ZONE.into(),
        from: period.from,
        to: period.to,
        categories: categories(),
        minute_cost: Some(Amount::new(950, "RUB")),
        thresholds: Thresholds::default(),
    }
}

/// One call at an hour of a day in Moscow: waits so long, talks so long, is about that.
async fn call(store: &Store, day: jiff::civil::Date, hour: i8, wait_s: i64, about: Option<(&str, i64)>) -> String {
    let zone = jiff::tz::TimeZone::get(sample::ZONE).unwrap();
    let at = day.at(hour, 0, 0, 0).to_zoned(zone).unwrap().timestamp().as_millisecond();
    let id = format!("{day}-{hour}-{wait_s}-{}", about.map_or("lost", |about| about.0));
    let mut call = CallRecord::import(&id, sample::CLINIC, sample::ZONE, at, &id);
    call.ended_ms = Some(at + (wait_s + about.map_or(0, |about| about.1)) * 1000);
    call.answered_ms = about.map(|_| at + wait_s * 1000);
    store.import_call(&call).await.unwrap();
    if let Some((category, _)) = about {
        store.add_tag(&sample::tag(&id, category, at, wait_s == 19)).await.unwrap();
    }
    id
}

/// October: five calls, one of them lost, one booked and arrived. September: two.
async fn autumn() -> (TempDir, Store) {
    let (folder, store) = store().await;
    call(&store, date(2026, 9, 30), 23, 5, Some(("target", 120))).await;
    call(&store, date(2026, 9, 7), 10, 5, Some(("doctor", 60))).await;
    let booked = call(&store, date(2026, 10, 1), 0, 5, Some(("target", 150))).await;
    call(&store, date(2026, 10, 5), 9, 19, Some(("target", 90))).await;
    call(&store, date(2026, 10, 5), 9, 25, Some(("inpatient", 200))).await;
    call(&store, date(2026, 10, 12), 9, 10, Some(("inpatient", 100))).await;
    call(&store, date(2026, 10, 31), 23, 40, None).await;
    let at = store.call(&booked).await.unwrap().started_ms;
    store.book(&sample::booking(&booked, at + 86_400_000, at + 60_000), "robot").await.unwrap();
    let change = records::Change { at_ms: at, by: "desk".into(), ..records::Change::default() };
    store.set_booking_status(&booked, records::Status::Arrived, &change).await.unwrap();
    // Neither an outgoing call nor another clinic's is counted.
    let mut outgoing = CallRecord::import("out", sample::CLINIC, sample::ZONE, at, "out");
    outgoing.direction = Direction::Outgoing;
    outgoing.ended_ms = Some(at + 1);
    store.import_call(&outgoing).await.unwrap();
    let mut other = CallRecord::import("other", "vet_zoo", sample::ZONE, at, "other");
    other.ended_ms = Some(at + 1);
    store.import_call(&other).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn the_json_keeps_its_shape() {
    let (_folder, store) = autumn().await;
    let report = Report::build(&store, &input(sample::month(2026, 10))).await.unwrap();
    insta::assert_json_snapshot!(report, { ".days[5:29]" => "[…]", ".staffing.hours[].calls_per_hour" => insta::rounded_redaction(3) });
}

#[tokio::test]
async fn a_month_by_hand() {
    let (_folder, store) = autumn().await;
    let report = Report::build(&store, &input(sample::month(2026, 10))).await.unwrap();
    assert_eq!(report.before, sample::month(2026, 9));
    assert_eq!((report.kpis.offered, report.kpis.lost), (5, 1));
    assert_eq!(report.kpis.sl_offered, Share::of(3, 5));
    assert_eq!((report.kpis.visits.booked, report.kpis.visits.arrived), (1, 1));
    assert_eq!(report.kpis.booking_rate, Share::of(1, 2));
    let wasted = &report.non_target.non_target;
    assert_eq!((wasted.now.share, wasted.now.time_ms), (Share::of(2, 4), 300_000));
    assert_eq!(wasted.now.cost, Some(Amount::new(4750, "RUB")));
    assert_eq!(wasted.change.as_ref().map(|change| (change.calls, change.share_tenths_pp)), Some((1, Some(0))));
    assert_eq!(report.days.len(), 31);
    assert_eq!((report.days[0].calls, report.days[30].answered), (1, 0), "midnight is the clinic's own");
    assert_eq!(
        report.headline_text(Lang::Ru),
        "50\u{a0}% звонков не могут привести к приёму; все они — «О пациенте в стационаре». Вот что изменить."
    );
}

#[tokio::test]
async fn a_period_without_anything_before_or_in_it() {
    let (_folder, store) = autumn().await;
    let september = Report::build(&store, &input(sample::month(2026, 9))).await.unwrap();
    assert_eq!((september.kpis_before.as_ref(), september.non_target.non_target.change.as_ref()), (None, None));
    let html = page::html(&september, Lang::Ru);
    assert!(html.contains("раньше нет данных") && html.contains("Нет данных за август 2026"));
    let empty = Report::build(&store, &input(sample::month(2020, 1))).await.unwrap();
    assert_eq!(empty.headline_text(Lang::En), "There are no calls in this period.");
    let html = page::html(&empty, Lang::En);
    assert!(html.contains("no data") && !html.contains("NaN") && !html.contains("0.0%"));
}

#[tokio::test]
async fn what_cannot_be_reported_is_said() {
    let (_folder, store) = store().await;
    let backwards = ReportInput { from: date(2026, 2, 2), to: date(2026, 2, 1), ..input(sample::month(2026, 2)) };
    assert!(matches!(Report::build(&store, &backwards).await, Err(ReportError::Period { .. })));
    let nowhere = ReportInput { timezone: "Mars/Olympus".into(), ..input(sample::month(2026, 2)) };
    let error = Report::build(&store, &nowhere).await.unwrap_err();
    assert!(error.to_string().contains("Mars/Olympus") && error.to_string().contains("Europe/Moscow"));
}

#[tokio::test]
async fn sums_from_the_database_and_from_single_calls_agree() {
    let (_folder, store) = store().await;
    let week = Period::new(date(2026, 10, 5), date(2026, 10, 11)).unwrap();
    sample::fill(&store, week, 12, &sample::MIX, 7).await;
    let (from, to) = week.bounds(sample::ZONE).unwrap();
    let facts = store.collect_call_facts(sample::CLINIC, from, to).await.unwrap();
    assert!(facts.len() > 60);
    for limits in [Thresholds::default(), Thresholds { answer_ms: 10_000, short_ms: 15_000 }] {
        let sums = store.period_totals(sample::CLINIC, from, to, limits.answer_ms, limits.short_ms).await.unwrap();
        assert_eq!(kpi::tally(&facts, limits), sums);
    }
    assert_eq!(kpi::hour_of_week(&facts), store.hour_of_week(sample::CLINIC, from, to).await.unwrap());
    assert_eq!(kpi::categories(&facts), store.category_totals(sample::CLINIC, from, to).await.unwrap());
    let report = Report::build(&store, &input(week)).await.unwrap();
    assert_eq!(report.kpis.visits, kpi::visits(&facts));
    assert!(report.kpis.visits.arrived > 0 && report.kpis.visits.booked > report.kpis.visits.arrived);
}

#[tokio::test]
async fn the_page_stands_alone_and_lets_nothing_in() {
    let (_folder, store) = autumn().await;
    let report = Report::build(&store, &input(sample::month(2026, 10))).await.unwrap();
    for lang in [Lang::Ru, Lang::En] {
        let html = page::html(&report, lang);
        assert!(html.len() < 150_000, "{} bytes", html.len());
        assert!(html.starts_with("<!DOCTYPE html>"));
        assert!(html.contains(&format!("<html lang=\"{}\">", lang.as_str())));
        for outside in ["http:", "https:", "src=", "url(", "@import", "<script", "<u>", "<b>more", "javascript:"] {
            assert!(!html.contains(outside), "{outside} in {}", lang.as_str());
        }
        assert!(!html.contains("+7903"), "nobody's number");
    }
    assert!(page::html(&report, Lang::Ru).contains("Вопрос &lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page::html(&report, Lang::En).contains("A &quot;question&quot; &amp; &lt;b&gt;more&lt;/b&gt;"));
}

#[tokio::test]
async fn the_words_of_the_page() {
    let (_folder, store) = autumn().await;
    let report = Report::build(&store, &input(sample::month(2026, 10))).await.unwrap();
    for lang in [Lang::Ru, Lang::En] {
        insta::assert_snapshot!(format!("words_{}", lang.as_str()), words(&page::html(&report, lang)));
    }
}

/// What a reader sees: the page without its style and drawings, a line for every piece of text.
fn words(html: &str) -> String {
    let body = html.split_once("<body>").unwrap().1;
    let pieces = body.split('<').skip(1).map(|piece| piece.split_once('>').map_or("", |(_, text)| text).trim());
    pieces.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n").replace('\u{a0}', "·")
}
