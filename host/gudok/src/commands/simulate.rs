//! `gudok simulate`: a month of a busy clinic in virtual time, with everything that goes wrong in one.

use std::time::Instant;

use anyhow::{Result, bail};
use jiff::{ToSpan as _, Zoned};
use simulation::Month;

use crate::cli::Simulate;
use crate::clinics;
use crate::progress::Progress;

pub async fn run(args: &Simulate) -> Result<()> {
    let clinic = clinics::one(&args.clinic)?;
    if args.out.exists() {
        bail!("{} is there already: name another file, or delete it", args.out.display());
    }
    let from = match args.from {
        Some(from) => from,
        None => Zoned::now().with_time_zone(clinic.zone.clone()).date().checked_sub(i64::from(args.days).days())?,
    };
    let month = Month {
        clinic,
        from,
        days: args.days,
        calls: args.calls,
        visits: args.visits,
        requests: args.requests,
        chats: args.chats,
        faults: !args.no_faults,
        crm: true,
        stop: None,
        seed: args.seed,
    };
    println!(
        "{} days from {from}: {} calls, {} visits, {} requests, {} chats",
        args.days, args.calls, args.visits, args.requests, args.chats
    );
    let began = Instant::now();
    let mut progress = Progress::new("days", usize::from(args.days));
    let mut over = 0;
    let went_on = |day: u16, _| {
        for _ in over..day {
            progress.step();
        }
        over = over.max(day);
    };
    let report = simulation::run(&args.out, &month, went_on).await?;
    progress.done();
    println!("{report}");
    println!("{:.0} s; the database: {}", began.elapsed().as_secs_f64(), args.out.display());
    if !report.broken.is_empty() {
        bail!("{} promises were broken", report.broken.len());
    }
    Ok(())
}
