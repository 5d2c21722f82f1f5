//! What a caller wants in one turn of a live conversation, with the services and the doctor named, and whether a life is
//! in danger.
//!
//! Phrases first (`models/lexicon/intents.toml`): a live turn is short, and a wrong guess costs the caller time, so a
//! known phrase decides. The call classifier and the reader of examples give further opinions where phrases are silent or disagree. Nothing is
//! guessed below [`SURE_ENOUGH`]: the flow should ask.

mod doctors;
mod examples;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::category::{CallText, Classifier};
use crate::lexicon::Cues;
use crate::lexicon::text::Text;
use crate::profile::{Offered, Profile, Standing};
use crate::symptom;

/// Below this confidence the intent is [`IntentKind::Unknown`].
pub const SURE_ENOUGH: f32 = 0.35;

/// Why the caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentKind {
    /// To get an appointment (symptoms and bare names of services too).
    Book,
    /// To move an appointment, or to be late for it.
    Reschedule,
    /// To cancel one.
    Cancel,
    /// To learn when theirs is, or to confirm it.
    MyVisit,
    /// Results of examinations.
    Results,
    /// A patient in the ward.
    Ward,
    /// The doctor, after a visit.
    Doctor,
    /// Feed and medicines.
    Feed,
    /// What something costs.
    Price,
    /// Opening hours.
    Hours,
    /// Where the clinic is.
    Address,
    /// Some other question.
    Question,
    /// A person.
    Operator,
    /// A call they missed.
    CallbackMissed,
    /// To sell something, or to find work.
    Advertising,
    /// Goodbye, nothing else.
    Goodbye,
    /// Not understood.
    Unknown,
}

/// A service that was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceMention {
    /// As the trade calls it.
    pub name: String,
    /// Whether it is given here.
    pub offered: Offered,
    /// Another field of medicine altogether (a haircut asked of a dentist); then `offered` is unlisted.
    pub foreign: bool,
    /// The clinic's id of it when it has ids, else the clinic's own name; only when offered.
    pub service: Option<String>,
}

/// What one turn meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Why the caller speaks.
    pub kind: IntentKind,
    /// 0 to 1.
    pub confidence: f32,
    /// Services that were named, each once, in order.
    pub services: Vec<ServiceMention>,
    /// Id of the doctor named.
    pub doctor: Option<String>,
    /// A danger to life was named: a person is needed at once.
    pub urgent: bool,
}

/// What the caller meant by `text`, for this clinic. Pure.
pub fn parse(text: &str, profile: &Profile) -> Intent {
    let cut = Text::new(text);
    let named = profile.named(&cut);
    let mut services: Vec<ServiceMention> = Vec::new();
    for n in &named {
        let foreign = matches!(n.standing, Standing::Foreign | Standing::Neighbour);
        let service = n.service.map(|i| {
            let id = profile.service_ids.get(i).or_else(|| profile.services.get(i));
            id.cloned().unwrap_or_else(|| n.name.clone())
        });
        let mention = ServiceMention { name: n.name.clone(), offered: n.standing.offered(), foreign, service };
        let known = |m: &ServiceMention| m.name == mention.name || m.service.is_some() && m.service == mention.service;
        if !services.iter().any(known) {
            services.push(mention);
        }
    }
    let phrases = Phrases::of(&cut);
    let doctor = doctors::named(&cut, &profile.doctors);
    let (kind, confidence) = decide(text, &cut, &phrases, !named.is_empty(), doctor.is_some(), profile);
    Intent { kind, confidence, services, doctor, urgent: phrases.urgent }
}

/// Weight of a phrase that decides.
const STRONG: f32 = 2.0;

/// Weight of the examples' opinion.
const EXAMPLES: f32 = 1.2;

/// What the phrase lists say of a turn.
struct Phrases {
    scores: Vec<(IntentKind, f32)>,
    urgent: bool,
}

impl Phrases {
    fn of(text: &Text) -> Self {
        static CUES: LazyLock<Cues> = LazyLock::new(|| {
            Cues::parse(include_str!("../../../../models/lexicon/intents.toml"))
                .expect("invariant: the embedded intents.toml is checked by a test")
        });
        let mut out = Self { scores: Vec::new(), urgent: symptom::in_danger(text) };
        let mut seen: Vec<(usize, usize)> = Vec::new();
        for found in CUES.patterns.find(text) {
            // One word counts once for each list, however many of the list's phrases it is part of.
            if seen.contains(&(found.group, found.last)) {
                continue;
            }
            seen.push((found.group, found.last));
            let (kind, weight) = kind_of(&CUES.ids[found.group]);
            let weight = if found.damaged { 0.8 * weight } else { weight };
            match out.scores.iter_mut().find(|s| s.0 == kind) {
                Some(score) => score.1 += 0.5 * weight,
                None => out.scores.push((kind, weight)),
            }
        }
        out
    }

    fn score(&self, kind: IntentKind) -> f32 {
        self.scores.iter().find(|s| s.0 == kind).map_or(0.0, |s| s.1)
    }

    fn strong(&self, kind: IntentKind) -> bool {
        self.score(kind) >= 0.8 * STRONG
    }
}

/// The kind and weight of a phrase list.
fn kind_of(id: &str) -> (IntentKind, f32) {
    let (name, weight) = match id.rsplit_once(' ') {
        Some((name, "strong")) => (name, STRONG),
        Some((name, _)) => (name, 0.7),
        None => (id, 0.7),
    };
    let kind = match name {
        "operator" => IntentKind::Operator,
        "cancel" => IntentKind::Cancel,
        "reschedule" => IntentKind::Reschedule,
        "my visit" => IntentKind::MyVisit,
        "results" => IntentKind::Results,
        "ward" => IntentKind::Ward,
        "doctor" => IntentKind::Doctor,
        "feed" => IntentKind::Feed,
        "callback" => IntentKind::CallbackMissed,
        "advertising" => IntentKind::Advertising,
        "price" => IntentKind::Price,
        "hours" => IntentKind::Hours,
        "address" => IntentKind::Address,
        "book" => IntentKind::Book,
        "question" => IntentKind::Question,
        _ => IntentKind::Goodbye,
    };
    (kind, weight)
}

fn decide(
    said: &str,
    text: &Text,
    phrases: &Phrases,
    service: bool,
    doctor: bool,
    profile: &Profile,
) -> (IntentKind, f32) {
    use IntentKind as K;
    let words = text.words.len();
    if words == 0 {
        return (K::Unknown, 0.0);
    }
    let others = phrases.scores.iter().filter(|s| !matches!(s.0, K::Goodbye | K::Operator)).any(|s| s.1 > 1.0);
    // «Соедините с Резниковым» asks for the doctor, «дайте человека» for anybody.
    let doctor_asked = doctor && !phrases.strong(K::Operator);
    let called_for = ["дайте", "можно", "нужен", "нужна"].iter().any(|w| text.words.iter().any(|own| own.text == *w));
    let treated = phrases.strong(K::Doctor) || text.words.iter().any(|w| w.text.starts_with("леч"));
    if doctor_asked && (phrases.score(K::Operator) > 0.0 || called_for && treated) {
        return (K::Doctor, 0.85);
    }
    if phrases.strong(K::Operator) && phrases.score(K::Operator) > phrases.score(K::Advertising) {
        return (K::Operator, 0.95);
    }
    if phrases.strong(K::Goodbye) && !others && !service && words <= 9 {
        return (K::Goodbye, 0.9);
    }
    let mut scores = phrases.scores.clone();
    let mut add = |kind: K, weight: f32| match scores.iter_mut().find(|s| s.0 == kind) {
        Some(score) => score.1 += weight,
        None => scores.push((kind, weight)),
    };
    // Cancelling and a new time in one breath is a move; moving away from "being late" is still a move.
    if phrases.strong(K::Cancel) && phrases.strong(K::Reschedule) {
        add(K::Reschedule, 1.5);
    }
    // «Записаться» beats what else is asked about the same visit; a visit already booked beats «записаться».
    if phrases.strong(K::Book) && (phrases.strong(K::Price) || phrases.strong(K::Hours)) {
        add(K::Book, 1.0);
    }
    if phrases.strong(K::Cancel) && phrases.strong(K::Book) && said.contains("друг") {
        add(K::Reschedule, 3.0);
    }
    if phrases.strong(K::Book) && [K::Cancel, K::Reschedule, K::MyVisit].iter().any(|&k| phrases.strong(k)) {
        add(K::Book, -2.0);
    }
    // A missed call at the start is the reason, whatever follows.
    if phrases.strong(K::CallbackMissed) {
        add(K::CallbackMissed, 1.0);
    }
    if phrases.strong(K::Feed) && phrases.strong(K::Price) {
        add(K::Feed, 1.0);
    }
    if phrases.strong(K::Doctor) && phrases.score(K::Book) > 0.0 && !said.contains("запи") {
        add(K::Doctor, 0.5);
    }
    if (service || doctor) && phrases.scores.is_empty() {
        add(K::Book, 0.6);
    }
    if phrases.urgent {
        add(K::Book, 1.2);
    } else if symptom::any(text) {
        add(K::Book, 0.4);
    }
    // The classifier's opinion, worth most when phrases are silent.
    let verdict = Classifier::embedded().label(&CallText::of(said), Some(profile));
    for (label, p) in &verdict.scores {
        let (kind, weight) = match label.as_str() {
            "reschedule" if phrases.score(K::Cancel) > phrases.score(K::Reschedule) => (K::Cancel, 1.0),
            "reschedule" if phrases.score(K::MyVisit) > phrases.score(K::Reschedule) => (K::MyVisit, 1.0),
            "reschedule" => (K::Reschedule, 1.0),
            "callback_missed" => (K::CallbackMissed, 1.0),
            "advertising" => (K::Advertising, 1.0),
            "doctor" => (K::Doctor, 1.0),
            "inpatient" => (K::Ward, 1.0),
            "test_results" => (K::Results, 1.0),
            "feed_drugs" => (K::Feed, 1.0),
            // What is asked on the way to a visit, the phrases know better.
            "target" | "not_our_service" => match best_of(phrases, &[K::Price, K::Hours, K::Address, K::Question]) {
                Some(kind) if !phrases.strong(K::Book) => (kind, 0.7),
                _ => (K::Book, 0.6),
            },
            _ => continue,
        };
        // A word or two do not tell: the classifier was trained on whole calls.
        let weight = if words < 3 { 0.6 * weight } else { weight };
        add(kind, weight * p);
    }
    // What examples say counts for about as much as one phrase that decides.
    for (kind, p) in examples::opinion(text) {
        match scores.iter_mut().find(|s| s.0 == kind) {
            Some(score) => score.1 += EXAMPLES * p,
            None => scores.push((kind, EXAMPLES * p)),
        }
    }
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some(&(kind, score)) = scores.first() else { return (K::Unknown, 0.0) };
    let rest: f32 = scores.iter().skip(1).map(|s| s.1.max(0.0)).sum();
    let confidence = (score / (score + 0.5 * rest + 0.35)).clamp(0.0, 0.97);
    if score < 0.5 || confidence < SURE_ENOUGH { (K::Unknown, confidence) } else { (kind, confidence) }
}

fn best_of(phrases: &Phrases, kinds: &[IntentKind]) -> Option<IntentKind> {
    let best = kinds.iter().max_by(|a, b| phrases.score(**a).total_cmp(&phrases.score(**b)))?;
    (phrases.score(*best) > 0.0).then_some(*best)
}
