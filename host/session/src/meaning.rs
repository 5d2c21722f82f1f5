//! Understanding, in the words of the flow interface: one object per clinic, shared by live calls and authors' tests.

use std::sync::{Arc, OnceLock};

use flows::host::faq::{Entry, Hit};
use flows::host::understanding as wit;
use flows::script::Understanding;
use jiff::civil;
use speech::Vocabulary;
use understanding::datetime::{self, When};
use understanding::faq::Matcher;
use understanding::intent::{self, IntentKind};
use understanding::profile::{self, Offered, Profile};
use understanding::{animal, choice, name, phone, yes_no};

/// What a clinic's callers mean.
pub struct Meaning {
    profile: Arc<Profile>,
    faq: Matcher,
    /// The same list, compared by meaning too; not there until it is made ready.
    compared: Arc<OnceLock<Matcher>>,
    clinic: Arc<desk::Clinic>,
}

impl Meaning {
    /// Understanding for one clinic.
    pub fn new(clinic: &Arc<desk::Clinic>) -> Meaning {
        let profile = Arc::new(profile(clinic));
        let faq = Matcher::new(&profile.faq);
        Meaning { faq, compared: Arc::default(), profile, clinic: Arc::clone(clinic) }
    }

    /// Compares questions with the clinic's list as whole sentences too, where that can be done. To make the list ready for it
    /// takes a second or two; until then questions are compared by their words, and nobody waits.
    pub fn comparing(self, sentences: Option<&understanding::meaning::Meaning>) -> Meaning {
        if let Some(sentences) = sentences.cloned() {
            let (profile, compared) = (Arc::clone(&self.profile), Arc::clone(&self.compared));
            let work = move || drop(compared.set(Matcher::with_meaning(&profile.faq, &sentences)));
            let started = std::thread::Builder::new().name("faq".to_owned()).spawn(work);
            if let Err(error) = started {
                tracing::warn!(%error, "no thread for the clinic's questions: they are compared by words alone");
            }
        }
        self
    }

    fn faq(&self) -> &Matcher {
        self.compared.get().unwrap_or(&self.faq)
    }

    /// What understanding knows of the clinic.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// The FAQ entries that answer, best first, as `(id, confidence)`.
    pub fn faq_entries(&self, question: &str) -> Vec<(String, f64)> {
        self.faq().find(question).into_iter().map(|hit| (hit.id, f64::from(hit.confidence))).collect()
    }

    /// «В девять» means nine in the morning or in the evening by the hours of the day of the call.
    fn when(&self, now: civil::DateTime) -> When {
        let hours = self.clinic.hours(now.date());
        let mut when = When::at(now);
        if let (Some(opens), Some(closes)) = (hours.opens(), hours.closes()) {
            when.opens = opens.time();
            when.closes = closes.time();
        }
        when
    }
}

/// What understanding needs to know of a clinic.
pub fn profile(clinic: &desk::Clinic) -> Profile {
    let kind = match clinic.kind {
        desk::Kind::Veterinary => profile::Kind::Veterinary,
        desk::Kind::Medical => profile::Kind::Medical,
        desk::Kind::Dental => profile::Kind::Dental,
    };
    let names: Vec<String> = clinic.services.iter().map(|service| service.name.clone()).collect();
    let doctors = clinic.doctors.iter().map(|doctor| profile::Doctor {
        id: doctor.id.clone(),
        name: doctor.name.clone(),
        speciality: doctor.speciality.clone(),
    });
    let faq = clinic.faq.iter().map(|entry| profile::FaqEntry {
        id: entry.id.clone(),
        question: entry.question.clone(),
        answer: entry.answer.clone(),
    });
    Profile::new(&clinic.id, &clinic.name, kind, &names, &clinic.absent)
        .with_service_ids(clinic.services.iter().map(|service| service.id.clone()).collect())
        .with_doctors(doctors.collect())
        .with_faq(faq.collect())
}

/// The clinic's own words, by which what was heard is mended: doctors first, whose names nobody else has.
pub fn own_words(profile: &Profile) -> Arc<Vocabulary> {
    let doctors = profile.doctors.iter().map(|doctor| doctor.name.as_str());
    let services = profile.services.iter().chain(&profile.absent).map(String::as_str);
    let known = |word: &str| understanding::lexicon::vocabulary::knows(&understanding::normalise::stem(word));
    Arc::new(Vocabulary::new(doctors.chain(services), Arc::new(known)))
}

impl Understanding for Meaning {
    fn date_time(&self, text: &str, now: &str) -> wit::DateTime {
        let Ok(now) = now.parse::<civil::DateTime>() else { return wit::DateTime::Nothing };
        match datetime::parse(text, &self.when(now)) {
            datetime::DateTime::Nothing => wit::DateTime::Nothing,
            datetime::DateTime::Resolved(found) => wit::DateTime::Resolved(wish(&found)),
            datetime::DateTime::Ambiguous(readings) => wit::DateTime::Ambiguous(readings.iter().map(wish).collect()),
            datetime::DateTime::Vague => wit::DateTime::Vague,
            datetime::DateTime::Invalid(reason) => wit::DateTime::Invalid(reason),
        }
    }

    fn yes_no(&self, text: &str) -> wit::YesNo {
        match yes_no::parse(text) {
            yes_no::YesNo::Yes => wit::YesNo::Yes,
            yes_no::YesNo::No => wit::YesNo::No,
            yes_no::YesNo::Unknown => wit::YesNo::Unknown,
        }
    }

    fn phone(&self, text: &str) -> Option<String> {
        phone::parse(text).map(|number| number.to_string())
    }

    fn name(&self, text: &str) -> Option<wit::PersonName> {
        let found = name::parse(text)?;
        Some(wit::PersonName { last: found.last, first: found.first, patronymic: found.patronymic })
    }

    fn animal(&self, text: &str) -> Option<wit::Animal> {
        let found = animal::parse(text)?;
        Some(wit::Animal { species: found.species, breed: found.breed, name: found.name })
    }

    fn intent(&self, text: &str) -> wit::Intent {
        let found = intent::parse(text, &self.profile);
        let services = found.services.into_iter().map(|mention| wit::ServiceMention {
            service_id: mention.service,
            offered: match mention.offered {
                Offered::Offered => wit::Offered::Offered,
                Offered::Absent => wit::Offered::Absent,
                Offered::Unlisted => wit::Offered::Unlisted,
            },
            name: mention.name,
        });
        wit::Intent {
            kind: kind(found.kind),
            confidence: f64::from(found.confidence),
            services: services.collect(),
            doctor: found.doctor,
            urgent: found.urgent,
        }
    }

    fn choice(&self, text: &str, options: &[String]) -> Option<u32> {
        choice::parse(text, options).and_then(|index| u32::try_from(index).ok())
    }

    fn faq(&self, question: &str, entries: &[Entry]) -> Vec<Hit> {
        let entry = |id: &str| entries.iter().find(|entry| entry.id == id).cloned();
        self.faq_entries(question)
            .into_iter()
            .filter_map(|(id, confidence)| Some(Hit { entry: entry(&id)?, confidence }))
            .collect()
    }
}

fn wish(found: &datetime::Wish) -> wit::Wish {
    let date = |date: Option<civil::Date>| date.map(|date| date.to_string());
    let time = |time: Option<civil::Time>| time.map(|time| time.strftime("%H:%M").to_string());
    wit::Wish {
        date: date(found.date),
        date_from: date(found.date_from),
        date_to: date(found.date_to),
        time_from: time(found.time_from),
        time_to: time(found.time_to),
        asap: found.asap,
    }
}

fn kind(kind: IntentKind) -> wit::IntentKind {
    match kind {
        IntentKind::Book => wit::IntentKind::Book,
        IntentKind::Reschedule => wit::IntentKind::Reschedule,
        IntentKind::Cancel => wit::IntentKind::Cancel,
        IntentKind::MyVisit => wit::IntentKind::MyVisit,
        IntentKind::Results => wit::IntentKind::Results,
        IntentKind::Ward => wit::IntentKind::Ward,
        IntentKind::Doctor => wit::IntentKind::Doctor,
        IntentKind::Feed => wit::IntentKind::Feed,
        IntentKind::Price => wit::IntentKind::Price,
        IntentKind::Hours => wit::IntentKind::Hours,
        IntentKind::Address => wit::IntentKind::Address,
        IntentKind::Question => wit::IntentKind::Question,
        IntentKind::Operator => wit::IntentKind::Operator,
        IntentKind::CallbackMissed => wit::IntentKind::CallbackMissed,
        IntentKind::Advertising => wit::IntentKind::Advertising,
        IntentKind::Goodbye => wit::IntentKind::Goodbye,
        IntentKind::Unknown => wit::IntentKind::Unknown,
    }
}
