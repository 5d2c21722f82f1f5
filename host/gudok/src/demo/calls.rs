//! The three spoken calls: who calls, and what must be there before.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use desk::{SlotQuery, Visitor};
use flows::host::voice::Channel;
use jiff::Zoned;
use lines::Pace;
use lines::script::Script;
use lines::spoken::SpokenCaller;
use session::trace::Tracer;
use session::{Hearing, Held, Setup, Stage};

use crate::commands::call::synthetic;
use crate::terminal::{self, Paint};

/// A call that is shown, and the file of its recording.
pub struct Shown {
    pub name: &'static str,
    pub script: &'static str,
}

/// In the order they are shown.
pub const CALLS: [Shown; 3] = [
    Shown { name: "1-запись", script: include_str!("../../assets/demo/booking.toml") },
    Shown { name: "2-вопросы", script: include_str!("../../assets/demo/questions.toml") },
    Shown { name: "3-перенос", script: include_str!("../../assets/demo/cancel.toml") },
];

/// Hold one of them.
pub async fn hold(
    shown: &Shown,
    stage: &Stage,
    hearing: &Hearing,
    started: Zoned,
    pace: Pace,
    out: &Path,
) -> Result<Held> {
    let script = Script::toml(shown.script, shown.name)?;
    let paint = Paint::stdout();
    println!("\n{} {}", paint.bold("☎"), paint.bold(&script.title));
    let mut setup = Setup::new(Channel::Phone, started);
    setup.caller.clone_from(&script.caller);
    setup.line.clone_from(&stage.desk.clinic().phone);
    setup.recording = Some(out.join(format!("{}.wav", shown.name)));
    let door = Box::new(SpokenCaller::new(&script, synthetic(Arc::clone(&hearing.mouth)), pace));
    let (tracer, traces) = Tracer::channel();
    let watching = tokio::spawn(terminal::watch(traces));
    let held = session::spoken(stage, setup, door, hearing.clone(), tracer).await?;
    watching.await?;
    println!("{}", terminal::summary(&held));
    Ok(held)
}

/// The caller of the third call has a visit to cancel.
pub async fn book_ahead(stage: &Stage, now: &Zoned) -> Result<()> {
    let script = Script::toml(CALLS[2].script, CALLS[2].name)?;
    let phone = script.caller.context("the demonstration's third caller has no number")?;
    let now = now.timestamp();
    if !stage.desk.mine(&phone, now).await?.is_empty() {
        return Ok(());
    }
    let tomorrow = stage.desk.clinic().local(now).date().tomorrow()?;
    let query = SlotQuery { date_from: Some(tomorrow), limit: 1, ..SlotQuery::default() };
    let slots = stage.desk.find(&query, now).await?;
    let slot = slots.first().context("the sample clinic has no free time at all")?;
    let visitor = Visitor {
        phone: phone.into(),
        person: "Ольга".into(),
        animal: "собака Рекс".into(),
        reason: "плановый осмотр".into(),
    };
    let booked = stage.desk.book(&slot.id, &visitor, None, now).await?;
    ensure!(matches!(booked, desk::Booking::Booked(_)), "the sample clinic's free time was taken");
    Ok(())
}
