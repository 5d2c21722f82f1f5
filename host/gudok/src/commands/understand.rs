//! `gudok understand`: what a phrase means to the robot.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum as _;
use jiff::civil::{DateTime, Time};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use understanding::datetime::{self, DateTime as DateTimeFound, When};
use understanding::faq::Matcher;
use understanding::meaning::Meaning;
use understanding::profile::{FaqEntry, Profile};
use understanding::{age, animal, intent, name, phone, symptom, yes_no};

use crate::cli::{Slot, Understand};
use crate::clinics::Profiles;
use crate::in_use;
use crate::place::Place;

/// One line of the input: a phrase, or an entry of a FAQ that the questions after it are asked of.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Phrase { id: Value, text: String, now: Option<String>, clinic: Option<String>, slot: Option<String> },
    Entry { id: String, question: String, answer: String, clinic: Option<String> },
}

pub fn run(args: &Understand, place: &Place) -> Result<()> {
    let mut reader = Reader::new(args, place)?;
    if args.jsonl {
        return reader.lines(std::io::stdin().lock());
    }
    let Some(text) = &args.text else { bail!("give a phrase, or --jsonl and lines on standard input") };
    let fields = reader.fields(args.slot, text, args.now.as_deref(), None)?;
    println!("{}", serde_json::to_string_pretty(&Value::Object(fields))?);
    Ok(())
}

struct Reader {
    slot: Slot,
    now: Option<String>,
    opens: Time,
    closes: Time,
    profiles: Profiles,
    /// Entries that came by lines, by clinic: asked in place of those of the clinic's file.
    entries: BTreeMap<String, Vec<FaqEntry>>,
    meaning: Option<Meaning>,
    /// The lists that were asked already, made ready.
    lists: RefCell<BTreeMap<String, Matcher>>,
}

impl Reader {
    fn new(args: &Understand, place: &Place) -> Result<Reader> {
        let hours = || format!("--hours {}: write 09:00-21:00", args.hours);
        let (opens, closes) = args.hours.split_once(['-', '–']).with_context(hours)?;
        let reader = Reader {
            slot: args.slot,
            now: args.now.clone(),
            opens: opens.trim().parse().with_context(hours)?,
            closes: closes.trim().parse().with_context(hours)?,
            profiles: Profiles::load(&args.clinic)?,
            entries: BTreeMap::new(),
            meaning: if args.slot == Slot::Faq || args.jsonl { in_use::meaning(place) } else { None },
            lists: RefCell::default(),
        };
        if args.slot == Slot::Faq && !args.jsonl && args.clinic.is_empty() {
            bail!("faq answers from a clinic's own entries: name it with --clinic");
        }
        Ok(reader)
    }

    /// A line that cannot be read is answered with its error; the others go on.
    fn lines(&mut self, input: impl BufRead) -> Result<()> {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut bad = 0;
        for (number, line) in input.lines().enumerate() {
            let line = line.context("standard input cannot be read")?;
            if line.trim().is_empty() {
                continue;
            }
            let answer = match serde_json::from_str::<Line>(&line) {
                Ok(Line::Phrase { id, text, now, clinic, slot }) => self.answer(id, &text, now, clinic, slot),
                Ok(Line::Entry { id, question, answer, clinic }) => {
                    let clinic = clinic.unwrap_or_default();
                    self.lists.borrow_mut().remove(&clinic);
                    let entries = self.entries.entry(clinic).or_default();
                    entries.push(FaqEntry { id, question, answer });
                    continue;
                }
                Err(_) => Err(anyhow!("neither a phrase (`id`, `text`) nor an entry (`id`, `question`, `answer`)")),
            };
            let object = answer.unwrap_or_else(|error| {
                bad += 1;
                eprintln!("line {}: {error:#}", number + 1);
                Map::from_iter([
                    ("line".to_owned(), json!(number + 1)),
                    ("error".to_owned(), json!(format!("{error:#}"))),
                ])
            });
            serde_json::to_writer(&mut out, &Value::Object(object))?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        if bad > 0 {
            bail!("{bad} lines could not be read; each needs `id` and `text`");
        }
        Ok(())
    }

    /// A line's own `slot` goes before the command's.
    fn answer(
        &self,
        id: Value,
        text: &str,
        now: Option<String>,
        clinic: Option<String>,
        slot: Option<String>,
    ) -> Result<Map<String, Value>> {
        let slot = match slot {
            Some(name) => Slot::from_str(&name, true).map_err(|_| anyhow!("there is no slot `{name}`; see --help"))?,
            None => self.slot,
        };
        let mut object = Map::new();
        object.insert("id".into(), id);
        object.extend(self.fields(slot, text, now.as_deref().or(self.now.as_deref()), clinic.as_deref())?);
        Ok(object)
    }

    /// The fields of one answer, as in the samples of each slot.
    fn fields(&self, slot: Slot, text: &str, now: Option<&str>, clinic: Option<&str>) -> Result<Map<String, Value>> {
        let value = match slot {
            Slot::Datetime => date_time(&datetime::locate(text, &self.when(now)?)),
            Slot::Yesno => yes_no::to_json(yes_no::parse(text)),
            Slot::Phone => phone::to_json(phone::parse(text).as_ref()),
            Slot::Name => name::to_json(name::parse(text).as_ref()),
            Slot::Animal => animal::to_json(animal::parse(text).as_ref()),
            Slot::Age => age::to_json(age::parse(text).as_ref()),
            Slot::Symptom => {
                json!({ "symptoms": symptom::find(text), "urgent": symptom::danger(text).is_some(),
                        "danger": symptom::danger(text) })
            }
            Slot::Urgency => json!({ "urgent": symptom::danger(text).is_some() }),
            Slot::Faq if self.entries.contains_key(clinic.unwrap_or_default()) => {
                let clinic = clinic.unwrap_or_default();
                self.faq(clinic, &self.entries[clinic], text)
            }
            Slot::Faq => {
                let profile = self.profiles.of(clinic)?;
                let profile = profile.context("the line names no clinic: add `clinic`, or --clinic")?;
                self.faq(&profile.id, &profile.faq, text)
            }
            Slot::Intent => {
                let nobody = Profile::new("", "", understanding::profile::Kind::Veterinary, &[], &[]);
                let found = intent::parse(text, self.profiles.of(clinic)?.unwrap_or(&nobody));
                serde_json::to_value(found)?
            }
        };
        Ok(match value {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        })
    }

    fn faq(&self, clinic: &str, entries: &[FaqEntry], text: &str) -> Value {
        let mut lists = self.lists.borrow_mut();
        let list =
            lists.entry(clinic.to_owned()).or_insert_with(|| Matcher::with_meaning(entries, self.meaning.as_ref()));
        let hits = list.find(text);
        let best = hits.first();
        json!({ "faq": best.map(|hit| hit.id.clone()), "confidence": best.map(|hit| hit.confidence),
                "also": hits.iter().skip(1).map(|hit| hit.id.clone()).collect::<Vec<_>>() })
    }

    fn when(&self, now: Option<&str>) -> Result<When> {
        let now = match now {
            Some(text) => moment(text)?,
            None => jiff::Zoned::now().datetime(),
        };
        Ok(When { now, opens: self.opens, closes: self.closes })
    }
}

/// The three fields are always there, null when nothing was said; `status` tells why, `span` where in the text what is vague or
/// does not exist was said (bytes).
fn date_time((found, span): &(DateTimeFound, std::ops::Range<usize>)) -> Value {
    let mut fields = Map::from_iter(["date", "time_from", "time_to"].map(|key| (key.to_owned(), Value::Null)));
    if let Value::Object(said) = datetime::to_json(found) {
        fields.extend(said);
    }
    let status = match found {
        DateTimeFound::Nothing => "nothing",
        DateTimeFound::Resolved(_) => "resolved",
        DateTimeFound::Ambiguous(_) => "ambiguous",
        DateTimeFound::Vague => "vague",
        DateTimeFound::Invalid(why) => {
            fields.insert("reason".into(), json!(why));
            "invalid"
        }
    };
    fields.insert("status".into(), json!(status));
    if matches!(found, DateTimeFound::Vague | DateTimeFound::Invalid(_)) {
        fields.insert("span".into(), json!([span.start, span.end]));
    }
    Value::Object(fields)
}

/// `2026-11-23T10:15:00+03:00`: the wall clock counts, whatever the offset; the phrase was said there.
fn moment(text: &str) -> Result<DateTime> {
    let local = text.get(..19).filter(|_| text.len() > 19).unwrap_or(text);
    let local = local.trim_end_matches('Z');
    local.parse().with_context(|| format!("now `{text}`: write 2026-11-23T10:15:00+03:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_counts() {
        assert_eq!(moment("2025-03-12T10:20:00+03:00").unwrap().to_string(), "2025-03-12T10:20:00");
        assert_eq!(moment("2025-03-12T10:20").unwrap().to_string(), "2025-03-12T10:20:00");
        assert!(moment("yesterday").unwrap_err().to_string().contains("yesterday"));
    }
}
