//! From the end of the caller's speech to the first sample of the answer, as a telephone hears it, by question.
//!
//! `answer_times [BOOKINGS]`: baresip books visits one after another at a `gudok serve` of its own. Both ends of a span
//! are taken from the telephone's own recordings of what it sent and what it heard, which begin together; so the line,
//! its jitter buffer and the recognition are all in it, and whatever was said instead of waiting counts as an answer.

use std::collections::BTreeMap;

use anyhow::Result;
use phones::baresip::{Baresip, Setting as Telephone};
use phones::compare::{RATE, spans};
use phones::conversation::{BOOKING, Phone as _, booking_voice, hold};
use phones::gudok::{DESK, Gudok, Setting};

/// What kind of question it is, by its words.
const KINDS: &[(&str, &str)] = &[
    ("помочь", "what can I do for you"),
    ("зовут", "a name"),
    ("кличку", "a name"),
    ("день и время", "date and time"),
    ("выбираете", "one of the offered times"),
    ("к любому", "a doctor"),
    ("верно", "yes or no"),
    ("Подойдёт", "yes or no"),
];

fn main() -> Result<()> {
    let bookings = std::env::args().nth(1).map_or(Ok(6), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let voice = booking_voice(&folder.path().join("voice"))?;
    let gudok = Gudok::start(&Setting::default())?;
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut booked = 0;
    for index in 0..bookings {
        let number = format!("+790300003{index:02}");
        let telephone = Telephone { number: number.clone(), ..Telephone::default() };
        let mut phone = Baresip::start(&telephone, &voice.silence, &folder.path().join(format!("phone-{index}")))?;
        phone.call(&format!("sip:{DESK}@{}", gudok.sip))?;
        let call = gudok.call_of("phones_desk", &number)?;
        let asked = match hold(&mut phone, &gudok, &call, BOOKING, &voice) {
            Ok(asked) => asked,
            Err(error) => {
                println!("call {index} went elsewhere: {error:#}");
                continue;
            }
        };
        booked += usize::from(gudok.ended(&call)?["call"]["outcome"] == "booked");
        let answers = answers(&phone.said()?, &phone.heard()?);
        if answers.len() != asked.len() {
            println!("call {index}: {} answers to {} questions, left out", answers.len(), asked.len());
            continue;
        }
        for (words, ms) in asked.iter().zip(answers) {
            let kind = KINDS.iter().find(|(part, _)| words.contains(part)).map_or("other", |(_, kind)| kind);
            times.entry(kind).or_default().push(ms);
            times.entry("all").or_default().push(ms);
        }
    }
    println!("{booked} of {bookings} calls booked a visit");
    println!("{:26} {:>5} {:>7} {:>7}", "question", "turns", "p50 ms", "p95 ms");
    for (kind, times) in &mut times {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).saturating_sub(1)];
        println!("{kind:26} {:5} {:7.0} {:7.0}", times.len(), at(0.5), at(0.95));
    }
    Ok(())
}

/// Milliseconds from the end of each thing said to the beginning of what is heard next.
fn answers(said: &[i16], heard: &[i16]) -> Vec<f64> {
    let (said, heard) = (spans(said), spans(heard));
    let mut answers = Vec::new();
    for (index, (begins, _)) in heard.iter().enumerate() {
        let before = if index == 0 { 0 } else { heard[index - 1].1 };
        // The last thing said between two things heard.
        if let Some((_, ended)) = said.iter().rfind(|(_, ended)| *ended <= *begins && *ended > before) {
            answers.push((begins - ended) as f64 / RATE as f64 * 1_000.0);
        }
    }
    answers
}
