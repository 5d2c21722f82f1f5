//! How long a search for free times takes: fifty doctors, sixty days.
//!
//! `cargo run --release -p desk --example search_speed`

use std::time::{Duration, Instant};

use desk::{Clinic, Minute, SlotQuery, free_slots};
use jiff::ToSpan as _;
use jiff::civil::date;
use records::Busy;

const DOCTORS: usize = 50;
const ROUNDS: usize = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plain = Clinic::parse(&text(false), "plain.toml")?;
    let rich = Clinic::parse(&text(true), "rich.toml")?;
    let now = "2026-11-23T06:00:00Z".parse()?;
    let first = SlotQuery::default();
    let all = SlotQuery { limit: u32::MAX, ..SlotQuery::default() };
    let once = SlotQuery { each_time_once: true, species: Some("кот".into()), ..all.clone() };
    let (half, full) = (busy(&plain, 2)?, busy(&plain, 1)?);
    println!("{DOCTORS} doctors, 61 days, times every half hour from nine to nine; {ROUNDS} rounds each");
    for (what, clinic, busy, query) in [
        ("the first three, nothing booked", &plain, &[][..], &first),
        ("the first three, half of it booked", &plain, &half, &first),
        ("the one time left in sixty days", &plain, &full, &first),
        ("the one time left; branches, machines, breaks, buffers", &rich, &full, &first),
        ("every free time, half of it booked", &plain, &half, &all),
        ("every time once, for a cat; machines and all, half booked", &rich, &half, &once),
    ] {
        let mut found = 0;
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..ROUNDS {
            let clock = Instant::now();
            found = free_slots(clinic, busy, query, now)?.len();
            took.push(clock.elapsed());
        }
        took.sort_unstable();
        let at = |share: usize| took[(ROUNDS * share / 100).min(ROUNDS - 1)].as_secs_f64() * 1000.0;
        println!(
            "{what}: {} bookings, {found} found; shortest {:.2} ms, median {:.2} ms, 95 % within {:.2} ms, longest {:.2} ms",
            busy.len(),
            at(0),
            at(50),
            at(95),
            at(100)
        );
    }
    Ok(())
}

fn text(rich: bool) -> String {
    let mut text =
        String::from("id = \"big\"\nname = \"Большая\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\n");
    if rich {
        text.push_str("buffer_minutes = 5\nholidays = [\"01-01\", \"01-07\"]\n");
        text.push_str(
            "[[branches]]\nid = \"center\"\nname = \"Центр\"\n[[branches]]\nid = \"north\"\nname = \"Север\"\n",
        );
        text.push_str("[[resources]]\nid = \"room\"\nname = \"кабинет\"\ncount = 25\n");
    }
    text.push_str("[[services]]\nid = \"visit\"\nname = \"приём\"\nminutes = 30\nfirst_minutes = 45\n");
    if rich {
        text.push_str("buffer_minutes = 0\nneeds = [\"room\"]\n");
    }
    for n in 0..DOCTORS {
        text.push_str(&format!("[[doctors]]\nid = \"d{n}\"\nname = \"Врач {n}\"\nspeciality = \"терапевт\"\n"));
        if rich {
            let branch = if n % 2 == 0 { "center" } else { "north" };
            text.push_str(&format!(
                "branch = \"{branch}\"\nspecies = [\"кошки\", \"собаки\"]\nbreaks = {{ daily = \"13:00-13:30\" }}\n"
            ));
        }
    }
    text
}

/// Every n-th time of every doctor is taken; with every one, the very last of all is left.
fn busy(clinic: &Clinic, every: usize) -> Result<Vec<Busy>, Box<dyn std::error::Error>> {
    let nine = Minute::new(540).ok_or("nine o'clock")?;
    let mut busy = Vec::new();
    for day in 0..=60i64 {
        let opens = clinic.instant(date(2026, 11, 23).saturating_add(day.days()), nine).ok_or("no such day")?;
        for half_hour in (0..24i64).step_by(every) {
            for doctor in 0..DOCTORS {
                let start_ms = opens.as_millisecond() + half_hour * 1_800_000;
                let resources = vec![format!("room@{}", if doctor % 2 == 0 { "center" } else { "north" })];
                let end_ms = start_ms + 1_800_000;
                busy.push(Busy { doctor: format!("d{doctor}"), start_ms, end_ms, resources, away: false });
            }
        }
    }
    if every == 1 {
        busy.pop();
    }
    Ok(busy)
}
