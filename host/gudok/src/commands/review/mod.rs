//! `gudok review`: the calls that the classifier is unsure of, before a person. Their word is kept with who and when.
//!
//! Layout: this file is the command and the loop at the terminal; [`queue`] what waits and in which order; [`keys`] one
//! key at a time; [`player`] listening; [`phrases`] what the screen says; [`http`] the queue for the server.

pub mod http;
mod keys;
mod phrases;
mod player;
pub mod queue;

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use call::Millis;
use desk::Clinic;
use records::{NewReview, Store};
use serde_json::json;
use session::meaning;
use understanding::category::{Category, Taxonomy, Who};

use self::keys::{Key, Keys};
use self::phrases::Phrases;
use self::player::Player;
use self::queue::{Queue, Queued};
use crate::cli::{Format, Review};
use crate::clinics;
use crate::commands::classify::{rounded, words};
use crate::commands::evaluate::excerpt;
use crate::commands::retag::clinic_day;
use crate::in_use;
use crate::output::List;
use crate::place::Place;
use crate::terminal::{Paint, clock, marked};

/// Keys of the ten categories that ship, in their order; a clinic's own ones have letters.
const DIGITS: &str = "1234567890";
/// Letters that mean nothing else here.
const LETTERS: &str = "acdfghjklmnortuvwxyz";

pub async fn run(args: &Review, place: &Place) -> Result<()> {
    let clinic = clinics::one(&args.clinic)?;
    let store = place.store().await?;
    let categories = in_use::categories(place, &clinic.id);
    let by = name(args.by.as_deref());
    if !args.set.is_empty() {
        return set(&args.set, &clinic, &store, &categories, &by, args.format).await;
    }
    let queue = Queue { store: store.clone(), tagger: in_use::tagger(place)? };
    let now = jiff::Timestamp::now().as_millisecond();
    let since = args.since.map(|day| clinic_day(&clinic, Some(day))).transpose()?;
    let waiting = queue.of(&meaning::profile(&clinic), since, now).await?;
    if args.list {
        return list(&waiting, args, &clinic, &store).await;
    }
    let phrases = Phrases::of(args.lang);
    let mut desk = Desk { clinic, store, categories, by, player: Player::find(phrases), mute: args.mute, phrases };
    desk.sit(&waiting).await
}

/// Who is at the desk: as they say, else the user of the machine.
pub fn name(given: Option<&str>) -> String {
    let user = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
    given.map(str::to_owned).or_else(user).unwrap_or_else(|| "desk".to_owned())
}

/// Without asking: `CALL=CATEGORY`, all or none.
async fn set(
    said: &[String],
    clinic: &Arc<Clinic>,
    store: &Store,
    categories: &[Category],
    by: &str,
    format: Format,
) -> Result<()> {
    let mut reviews = Vec::new();
    for one in said {
        let (call, category) =
            one.split_once('=').with_context(|| format!("--set {one}: write CALL=CATEGORY, for example c1=doctor"))?;
        if !categories.iter().any(|known| known.id == category) {
            let known: Vec<&str> = categories.iter().map(|known| known.id.as_str()).collect();
            bail!("--set {one}: `{category}` is no category of {}; known are {}", clinic.id, known.join(", "));
        }
        let found = store.call(call).await?;
        ensure!(found.clinic == clinic.id, "--set {one}: this call is of {}, not of {}", found.clinic, clinic.id);
        reviews.push(word(call, Some(category), by));
    }
    let mut list = List::new(&[("call", "call"), ("was", "was"), ("category", "is"), ("by", "by"), ("at_ms", "at")]);
    for review in &reviews {
        let kept = store.review(review).await?;
        list.row([json!(kept.call), json!(kept.was), json!(kept.category), json!(kept.by), json!(kept.at_ms)]);
    }
    list.print(format)
}

fn word(call: &str, category: Option<&str>, by: &str) -> NewReview {
    NewReview {
        call: call.to_owned(),
        category: category.map(str::to_owned),
        taxonomy_version: Taxonomy::embedded().version.to_string(),
        by: by.to_owned(),
        at_ms: jiff::Timestamp::now().as_millisecond(),
    }
}

async fn list(waiting: &[Queued], args: &Review, clinic: &Clinic, store: &Store) -> Result<()> {
    let mut list = List::new(&[
        ("call", "call"),
        ("started", "started"),
        ("category", "category"),
        ("confidence", "confidence"),
        ("second", "or"),
        ("value", "teaches"),
        ("why", "why"),
        ("put_off", "put off"),
        ("recording", "recording"),
        ("evidence", "words that decided"),
        ("text", "the caller"),
    ]);
    for call in waiting.iter().take(args.limit) {
        let audio = store.call_audio(&call.call.call).await?;
        let text = call.said.caller_text();
        list.row([
            json!(call.call.call),
            json!(when(clinic, call.call.started_ms)),
            json!(call.verdict.label),
            json!(rounded(call.verdict.confidence)),
            json!(call.verdict.scores.get(1).map(|second| &second.0)),
            json!(rounded(call.value)),
            json!(call.why),
            json!(call.put_off),
            json!(audio.iter().any(|audio| audio.kind == "recording")),
            json!(words(&call.verdict)),
            json!(if args.format == Format::Table { excerpt(&text, 60) } else { text }),
        ]);
    }
    list.print(args.format)?;
    if args.format == Format::Table {
        println!("{} calls wait", waiting.len());
    }
    Ok(())
}

/// A moment on the clinic's clock.
fn when(clinic: &Clinic, ms: i64) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(ms) else { return String::new() };
    clinic.local(moment).strftime("%d.%m.%Y %H:%M").to_string()
}

/// A person before the queue.
struct Desk {
    clinic: Arc<Clinic>,
    store: Store,
    categories: Vec<Category>,
    by: String,
    player: Player,
    mute: bool,
    phrases: &'static Phrases,
}

impl Desk {
    /// Call by call, until the queue or the person's patience ends. What was said is kept at once.
    async fn sit(&mut self, waiting: &[Queued]) -> Result<()> {
        if waiting.is_empty() {
            println!("{}: {}", self.clinic.id, self.phrases.nothing);
            return Ok(());
        }
        let keys = Arc::new(Keys::open());
        let (mut at, mut said) = (0, 0);
        'calls: while let Some(call) = waiting.get(at) {
            self.show(call, at, waiting.len());
            loop {
                let pressed = Arc::clone(&keys);
                let key = tokio::task::spawn_blocking(move || pressed.next()).await?;
                let category = match key {
                    Key::End | Key::Letter('q') => break 'calls,
                    Key::Enter => Some(call.verdict.label.clone()),
                    Key::Letter('p' | 'e') if self.mute => continue,
                    Key::Letter('p') => {
                        self.listen(call, None).await?;
                        continue;
                    }
                    Key::Letter('e') => {
                        let seconds = call.verdict.evidence.first().and_then(|found| found.seconds);
                        self.listen(call, seconds).await?;
                        continue;
                    }
                    Key::Letter('b') => {
                        at = at.saturating_sub(1);
                        continue 'calls;
                    }
                    Key::Letter('s') => None,
                    Key::Letter(letter) => match self.of_key(letter) {
                        Some(category) => Some(category),
                        None => continue,
                    },
                };
                self.player.stop();
                let kept = self.store.review(&word(&call.call.call, category.as_deref(), &self.by)).await?;
                match &kept.category {
                    Some(category) => println!("  ✓ {} ({})\n", self.title(category), kept.by),
                    None => println!("  {}\n", self.phrases.put_off),
                }
                said += usize::from(kept.category.is_some());
                at += 1;
                break;
            }
        }
        println!("{} {said}, {} {}", self.phrases.seen, self.phrases.left, waiting.len().saturating_sub(at));
        if said > 0 {
            println!("{}: gudok train --with-corrections", self.phrases.retrain);
        }
        Ok(())
    }

    async fn listen(&mut self, call: &Queued, seconds: Option<(f32, f32)>) -> Result<()> {
        if let Some(why) = self.player.play(&self.store, &call.call.call, seconds).await? {
            println!("  {why}");
        }
        Ok(())
    }

    fn show(&self, call: &Queued, at: usize, of: usize) {
        let paint = Paint::stdout();
        let missed = if call.call.missed_call { self.phrases.missed } else { "" };
        let why = self.phrases.why(call.why);
        let when = when(&self.clinic, call.call.started_ms);
        let head = format!("{} {} {of} · {when} · {why}{missed}", at + 1, self.phrases.of);
        println!("{}", paint.bold(&head));
        let guesses =
            call.verdict.scores.iter().take(2).map(|(id, p)| format!("{} {:.0} %", self.title(id), p * 100.0));
        println!("  {}", paint.dim(&format!("{}: {}", self.phrases.program, guesses.collect::<Vec<_>>().join(" · "))));
        for (place, turn) in call.said.turns.iter().enumerate() {
            let who = match turn.who {
                Who::Agent => paint.cyan(self.phrases.sides[0]),
                Who::Caller => paint.green(self.phrases.sides[1]),
                Who::Unknown => paint.green(self.phrases.sides[2]),
            };
            let pieces = marked(&call.said, &call.verdict.evidence, place);
            let text: String =
                pieces.into_iter().map(|(text, is)| if is { paint.marked(&text) } else { text }).collect();
            println!("  {} {who} {text}", paint.dim(&clock(Millis(turn.start_ms))));
        }
        let choices: Vec<String> = self
            .keys()
            .map(|(key, category)| format!("{} {}", paint.bold(&key.to_string()), self.phrases.title(category)))
            .collect();
        println!("  {}", choices.join("  "));
        println!("  {}", paint.dim(self.phrases.help));
    }

    fn keys(&self) -> impl Iterator<Item = (char, &Category)> {
        let shipped = Taxonomy::embedded().categories.len().min(DIGITS.len());
        DIGITS.chars().take(shipped).chain(LETTERS.chars()).zip(&self.categories)
    }

    fn of_key(&self, letter: char) -> Option<String> {
        self.keys().find(|(key, _)| *key == letter).map(|(_, category)| category.id.clone())
    }

    fn title<'a>(&'a self, id: &'a str) -> &'a str {
        self.categories.iter().find(|known| known.id == id).map_or(id, |known| self.phrases.title(known))
    }
}
