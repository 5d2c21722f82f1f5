//! `gudok demo`: everything once, on one machine, with real speech.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use desk::Clinic;
use jiff::civil::{Date, Time};
use jiff::{ToSpan, Zoned};
use lines::script::Script;
use lines::{Pace, recordings as door};
use records::Store;

use crate::cli::{Demo, Engine, Format, Speech};
use crate::commands::call::expected;
use crate::commands::import::Importer;
use crate::commands::report;
use crate::demo::{calls, history, recordings};
use crate::place::Place;
use crate::terminal::{Paint, category_name};
use crate::{clinics, stage};

const CLINIC: &str = "vet_lapa";

pub async fn run(args: &Demo, place: &Place) -> Result<()> {
    let paint = Paint::stdout();
    let clinic = clinics::one(CLINIC)?;
    let folder = &args.out;
    let (audio, pbx) = (folder.join("calls"), folder.join("recordings"));
    std::fs::create_dir_all(&audio).with_context(|| format!("{}: cannot be made", audio.display()))?;
    let store = fresh_store(folder).await?;
    let started = working_moment(&clinic)?;

    println!("{}", paint.bold(&format!("Гудок: {} на этой машине", clinic.name)));
    println!("Разговоры происходят {}.", started.strftime("%d.%m.%Y в %H:%M"));
    let stage = stage::open(&clinic, Some("vet-desk"), store.clone(), place).await?;
    let speech = Speech { engine: Engine::Auto, voice: "auto".into() };
    let hearing = stage::hearing(&speech, &clinic, place)?;
    let month = history::write(&store, &clinic, started.date()).await?;
    println!("    за два месяца: {} звонков (примерные данные, категории поставил классификатор)", month.calls);

    heading(&paint, "1. Три разговора: звонящий говорит, робот отвечает");
    calls::book_ahead(&stage, &started).await?;
    let pace = if args.real_time { Pace::RealTime } else { Pace::Simulated };
    for (number, shown) in calls::CALLS.iter().enumerate() {
        let at = started.checked_add(jiff::SignedDuration::from_mins(number as i64 * 12))?;
        let held = calls::hold(shown, &stage, &hearing, at, pace, &audio).await?;
        if let Err(other) = expected(&Script::toml(shown.script, shown.name)?, &held) {
            println!("  {}", paint.yellow(&format!("разговор пошёл иначе, чем задуман: {other}")));
        }
    }

    heading(&paint, "2. Двенадцать записей операторов: о чём был звонок");
    let mouth = Arc::clone(&hearing.mouth);
    let day = started.date();
    let into = pbx.clone();
    tokio::task::spawn_blocking(move || recordings::record(&mouth, &into, day)).await??;
    let found = door::table(&pbx.join("calls.csv"), &pbx, &clinic.zone)?;
    let importer = Importer::new(&clinic, store.clone(), hearing.ears.clone(), Arc::clone(&stage.classifier));
    let (tagged, failed) = importer.all(found).await;
    for call in &tagged {
        let sure = call.confidence.map_or_else(String::new, |sure| format!("{:3.0} %", sure * 100.0));
        let doubt = if call.review { paint.yellow("  ? на проверку") } else { String::new() };
        println!(
            "  {}  {}  {}  {}{doubt}",
            call.file,
            paint.bold(&format!("{:28}", call.category.as_deref().map_or("—", category_name))),
            sure,
            paint.dim(&call.evidence),
        );
    }
    anyhow::ensure!(failed == 0, "{failed} recordings could not be heard");

    heading(&paint, "3. Нецелевые звонки: сколько, во что обходятся, что с этим делать");
    let from = started.date().checked_sub((history::DAYS_OF_A_MONTH - 1).days())?;
    let built = report::build(&store, &clinic, from, started.date(), place).await?;
    report::print(&built, Format::Table)?;
    let page = folder.join("report.html");
    report::write_html(&built, args.lang, &page)?;

    heading(&paint, "Где что лежит");
    println!("  разговоры (слева звонящий, справа робот)  {}", audio.display());
    println!("  записи операторов                         {}", pbx.display());
    println!("  отчёт, откройте в браузере                {}", page.display());
    println!("  база данных                               {}", store.path().display());
    println!(
        "\nДальше: gudok understand datetime «в полчетвёртого в пятницу» · gudok flow run vet-desk · gudok --help"
    );
    Ok(())
}

fn heading(paint: &Paint, text: &str) {
    println!("\n{}", paint.bold(&format!("━━ {text}")));
}

/// The demonstration's own database, made anew: running it twice doubles nothing.
async fn fresh_store(folder: &Path) -> Result<Store> {
    for name in ["gudok.db", "gudok.db-wal", "gudok.db-shm"] {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{}: cannot be replaced", folder.join(name).display()));
            }
            _ => {}
        }
    }
    Ok(Store::open(folder.join("gudok.db")).await?)
}

/// A quarter past ten on the next day the clinic is open, today if it is: the demonstration may be run at night.
fn working_moment(clinic: &Clinic) -> Result<Zoned> {
    let mut day: Date = Zoned::now().with_time_zone(clinic.zone.clone()).date();
    for _ in 0..14 {
        let moment = day.to_datetime(Time::constant(10, 15, 0, 0)).to_zoned(clinic.zone.clone())?;
        if clinic.is_open(moment.timestamp()) {
            return Ok(moment);
        }
        day = day.tomorrow()?;
    }
    anyhow::bail!("{} is not open on any of the next fourteen days", clinic.id)
}
