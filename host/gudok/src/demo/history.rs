//! Two months of a sample clinic: when people call, how long they wait and talk, what came of it. Drawn from a seeded
//! generator, so that every run is the same; what the callers say is from the corpus, and the tags are the
//! classifier's own.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use desk::Clinic;
use jiff::civil::{Date, Time};
use jiff::{ToSpan, Zoned};
use records::{BookingRecord, CallRecord, Change, Outcome, Pii, Status, Store, Turn, Who};
use serde::Deserialize;
use session::meaning;
use session::tagging::Tagger;
use understanding::category::{self, CallText, Verdict};

use crate::progress::Progress;

/// What callers say: plain calls of the corpus.
const SAID: [&str; 2] = [
    include_str!("../../../../models/corpus/vet/part-15.jsonl"),
    include_str!("../../../../models/corpus/vet/part-20.jsonl"),
];
/// Calls in each of the two months.
const CALLS_A_MONTH: u64 = 300;
/// A month, for comparing like with like.
pub const DAYS_OF_A_MONTH: i64 = 30;
/// Of a hundred calls, how many are about what: last month and this one.
const SHARES: [(&str, u64, u64); 10] = [
    ("target", 55, 60),
    ("feed_drugs", 7, 7),
    ("reschedule", 9, 9),
    ("callback_missed", 4, 3),
    ("advertising", 4, 4),
    ("not_our_service", 5, 4),
    ("no_topic", 2, 2),
    ("doctor", 6, 5),
    ("inpatient", 5, 3),
    ("test_results", 3, 3),
];
const VISIT_MS: i64 = 30 * 60_000;
/// Calls by hour of the day, from nine: busy mornings, a second hump after work.
const HOURS: [u64; 12] = [14, 13, 11, 9, 7, 6, 6, 7, 9, 9, 6, 3];
/// Calls by day of the week, from Monday.
const DAYS: [u64; 7] = [20, 16, 15, 14, 15, 12, 8];

/// What came in.
pub struct Month {
    pub calls: usize,
}

#[derive(Deserialize)]
struct Line {
    turns: Vec<category::Turn>,
}

/// A call, and what the classifier makes of it at this clinic.
struct Said {
    turns: Vec<category::Turn>,
    verdict: Verdict,
}

/// Write the calls of the sixty days before `today`. Every row has an id of its own, so a second
/// time adds nothing.
pub async fn write(store: &Store, clinic: &Clinic, today: Date) -> Result<Month> {
    let (profile, tagger) = (meaning::profile(clinic), Tagger::embedded());
    let mut said: Vec<Said> = Vec::new();
    for line in SAID.iter().flat_map(|text| text.lines()) {
        let line: Line = serde_json::from_str(line).context("the demonstration's calls do not parse")?;
        let call = CallText { turns: line.turns.clone(), missed_call: false };
        said.push(Said { verdict: tagger.judge(&call, &profile), turns: line.turns });
    }
    let this_month = today.checked_sub(DAYS_OF_A_MONTH.days())?;
    let mut day = this_month.checked_sub(DAYS_OF_A_MONTH.days())?;
    let mut days: Vec<(Date, bool)> = Vec::new();
    while day < today {
        days.push((day, day >= this_month));
        day = day.tomorrow()?;
    }
    let mut random = Random(0x5eed);
    let mut writer = Writer { store, clinic, tagger, today, visits: BTreeMap::new() };
    let mut planned = Vec::new();
    for (day, current) in &days {
        let weight = DAYS[day.weekday().to_monday_zero_offset() as usize] * 7;
        // In hundredths of a call, the rest by chance.
        let expected = CALLS_A_MONTH * weight / DAYS_OF_A_MONTH.unsigned_abs();
        let calls = expected / 100 + u64::from(random.below(100) < expected % 100);
        for _ in 0..calls {
            planned.push((*day, *current));
        }
    }
    let mut progress = Progress::new("звонки за два месяца", planned.len());
    for (number, (day, current)) in planned.iter().enumerate() {
        let shares: Vec<u64> = SHARES.iter().map(|(_, last, this)| if *current { *this } else { *last }).collect();
        let label = SHARES[random.weighted(&shares)].0;
        let lines: Vec<&Said> = said.iter().filter(|said| said.verdict.label == label).collect();
        let Some(said) = lines.get(random.below(lines.len() as u64) as usize) else { continue };
        writer.call(number, *day, said, &mut random).await?;
        progress.step();
    }
    progress.done();
    Ok(Month { calls: planned.len() })
}

struct Writer<'a> {
    store: &'a Store,
    clinic: &'a Clinic,
    tagger: Tagger,
    today: Date,
    /// Visits booked by day.
    visits: BTreeMap<Date, usize>,
}

impl Writer<'_> {
    async fn call(&mut self, number: usize, day: Date, said: &Said, random: &mut Random) -> Result<()> {
        let hour = 9 + i8::try_from(random.weighted(&HOURS))?;
        let at = Time::new(hour, random.below(60) as i8, random.below(60) as i8, 0)?;
        let started: Zoned = day.to_datetime(at).to_zoned(self.clinic.zone.clone())?;
        let started = started.timestamp().as_millisecond();
        let id = format!("demo-{number:04}");
        let mut record = CallRecord::import(&id, &self.clinic.id, &self.clinic.timezone, started, &id);
        record.caller = Some(Pii::from(format!("+7900{:07}", 1_000_000 + random.below(430) * 37)));
        // Most are answered at once; some wait, and of those who wait long some give up.
        let wait = 3_000 + random.exponential(13_000);
        let lost = wait > 12_000 && random.below(100) < 22;
        record.queue_wait_ms = Some(wait);
        if lost {
            record.ended_ms = Some(started + wait);
            self.store.import_call(&record).await?;
            return Ok(());
        }
        let words: usize = said.turns.iter().map(|turn| turn.text.split_whitespace().count()).sum();
        let talk = 20_000 + i64::try_from(words)? * 900 + random.exponential(45_000);
        let agents = ["Ирина", "Светлана", "Марина"];
        record.agent = Some(agents[random.below(3) as usize].to_owned());
        record.answered_ms = Some(started + wait);
        record.talk_ms = Some(talk);
        record.hold_ms = Some(if random.below(5) == 0 { random.exponential(20_000) } else { 0 });
        record.acw_ms = Some(5_000 + random.exponential(15_000));
        record.ended_ms = Some(started + wait + talk + record.hold_ms.unwrap_or(0));
        if !self.store.import_call(&record).await?.is_new {
            return Ok(());
        }
        for (seq, turn) in said.turns.iter().enumerate() {
            self.store.add_turn(self.turn(&id, seq, turn)?).await?;
        }
        let ended = record.ended_ms.unwrap_or(started);
        let tag = self.tagger.record(&id, &self.clinic.id, &said.verdict, ended);
        self.store.add_tag(&tag).await?;
        self.outcome(day, &record, &said.verdict, random).await
    }

    /// Of the target calls, some are booked, and most of those come.
    async fn outcome(&mut self, day: Date, record: &CallRecord, verdict: &Verdict, random: &mut Random) -> Result<()> {
        if verdict.label != "target" || random.below(100) >= 46 {
            return Ok(());
        }
        self.store.set_outcome(&record.id, Outcome::Booked).await?;
        // The day after the call, in the next free half hour of the next doctor.
        let day = day.tomorrow()?;
        let doctors = &self.clinic.doctors;
        let taken = self.visits.entry(day).or_default();
        let Some(doctor) = doctors.get(*taken % doctors.len().max(1)) else { return Ok(()) };
        let half_hours = i64::try_from(*taken / doctors.len())?;
        *taken += 1;
        let service = doctor.services.first().cloned().unwrap_or_default();
        let opens = day.to_datetime(Time::constant(9, 0, 0, 0)).to_zoned(self.clinic.zone.clone())?;
        let start = opens.timestamp().as_millisecond() + half_hours * VISIT_MS;
        let booking = BookingRecord {
            id: format!("{}-visit", record.id),
            visit: format!("{}-visit", record.id),
            clinic: self.clinic.id.clone(),
            timezone: self.clinic.timezone.clone(),
            doctor: doctor.id.clone(),
            service,
            start_ms: start,
            end_ms: start + VISIT_MS,
            status: Status::Booked,
            phone: record.caller.clone().unwrap_or_default(),
            person: Pii::default(),
            animal: Pii::default(),
            reason: Pii::default(),
            call: Some(record.id.clone()),
            created_ms: record.started_ms,
            updated_ms: record.started_ms,
            ..BookingRecord::default()
        };
        self.store.book(&booking, "demo").await?;
        let change = Change {
            at_ms: record.started_ms,
            by: "demo".into(),
            reason: Pii::default(),
            call: Some(record.id.clone()),
            ..Change::default()
        };
        let came = random.below(100) < 84;
        if day >= self.today {
            return Ok(());
        }
        let status = if came { Status::Arrived } else { Status::NoShow };
        self.store.set_booking_status(&booking.id, status, &change).await?;
        Ok(())
    }

    fn turn(&self, call: &str, seq: usize, turn: &category::Turn) -> Result<Turn> {
        let at = i64::try_from(seq)? * 4_000;
        Ok(Turn {
            call: call.to_owned(),
            seq: i64::try_from(seq)?,
            who: if turn.who == category::Who::Agent { Who::Agent } else { Who::Caller },
            text: Pii::from(turn.text.clone()),
            start_ms: at,
            end_ms: at + 3_500,
            confidence: None,
            latency_ms: None,
        })
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next() % n }
    }

    fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut at = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if at < *weight {
                return index;
            }
            at -= weight;
        }
        0
    }

    /// Milliseconds with this mean, exponentially distributed, cut at eight times the mean.
    fn exponential(&mut self, mean_ms: i64) -> i64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let drawn = -(1.0 - uniform).ln() * mean_ms as f64;
        (drawn as i64).min(8 * mean_ms)
    }
}
