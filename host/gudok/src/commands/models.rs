//! `gudok models`: the classifier in use and how good it is; what there is to listen with, and fetching it.

use anyhow::Result;
use serde_json::{Value, json};
use session::tagging::Tagger;
use speech::recogniser::{EngineChoice, EngineName};
use understanding::category::Classifier;
use understanding::category::evaluate::{Evaluation, evaluate};

use crate::cli::{Format, Models};
use crate::commands::evaluate::print_classes;
use crate::commands::train::Made;
use crate::in_use::{self, Origin};
use crate::output::List;
use crate::place::Place;
use crate::terminal::category_name;
use crate::{clinics, corpus};

/// Confusions that are told.
const CONFUSIONS: usize = 5;

pub async fn run(command: &Models, place: &Place) -> Result<()> {
    match command {
        Models::Info { clinic, format } => info(clinic, *format, place).await,
        Models::List { format } => speech_models(place)?.print(*format),
        Models::Fetch { ids } => {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            speech::models::fetch(&ids, &place.models, &mut |line| eprintln!("    {line}"))?;
            Ok(())
        }
    }
}

fn speech_models(place: &Place) -> Result<List> {
    let mut list = List::new(&[
        ("id", "model"),
        ("installed", "installed"),
        ("megabytes", "MB"),
        ("licence", "licence"),
        ("purpose", "what it is for"),
    ]);
    for model in speech::models::list(&place.models)? {
        list.row([
            json!(model.id),
            json!(model.installed),
            json!(model.size_mb),
            json!(model.licence),
            json!(model.purpose),
        ]);
    }
    Ok(list)
}

/// All that is told of what is in use.
struct Info {
    classifier: Classifier,
    origin: Origin,
    version: String,
    made: Option<Made>,
    /// On calls of the corpus that no classifier is trained on.
    frozen: Evaluation,
    /// Unless it was trained before they were set apart: then the figures flatter.
    has_seen_them: bool,
    clinics: Vec<Seen>,
    engines: Vec<(&'static str, Option<String>)>,
}

/// What a clinic's people and its own categories say.
struct Seen {
    clinic: String,
    own: Vec<in_use::Own>,
    /// Verdicts of classifiers that people looked at, and how many they agreed with.
    reviewed: usize,
    confirmed: usize,
    /// The same of the classifier in use.
    of_this: usize,
    confirmed_of_this: usize,
    waiting: usize,
}

async fn info(names: &[String], format: Format, place: &Place) -> Result<()> {
    let (classifier, origin) = in_use::classifier(place, None)?;
    let made = match &origin {
        Origin::File(file) => std::fs::read_to_string(file.with_extension("json")).ok(),
        Origin::Shipped => None,
    };
    let made = made.and_then(|text| serde_json::from_str(&text).ok());
    let corpus = corpus::open(None)?;
    let has_seen_them = classifier.info().corpus == corpus.hash && classifier.info().calls >= corpus.calls.len();
    let frozen = evaluate(&classifier, &corpus.split_frozen().1);
    let tagger = in_use::tagger_with(place, classifier.clone());
    let mut seen = Vec::new();
    for clinic in clinics::several(names)?.into_keys() {
        seen.push(look(&clinic, &tagger, place).await?);
    }
    let info = Info {
        version: Tagger::new(classifier.clone(), Default::default()).version(""),
        classifier,
        origin,
        made,
        frozen,
        has_seen_them,
        clinics: seen,
        engines: engines(place),
    };
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&info.json())?),
        Format::Csv => speech_models(place)?.print(Format::Csv)?,
        Format::Table => info.print(place)?,
    }
    Ok(())
}

async fn look(clinic: &str, tagger: &Tagger, place: &Place) -> Result<Seen> {
    let store = place.store().await?;
    let own = in_use::own(place, clinic);
    let mut seen = Seen {
        clinic: clinic.to_owned(),
        own,
        reviewed: 0,
        confirmed: 0,
        of_this: 0,
        confirmed_of_this: 0,
        waiting: store.conversations_to_review(clinic, 0, i64::MAX).await?.len(),
    };
    let version = tagger.version(clinic);
    for review in store.corrections(Some(clinic)).await? {
        if review.was_by.as_deref() != Some(session::tagging::BY) {
            continue;
        }
        let (right, ours) = (review.category == review.was, review.was_model.as_deref() == Some(&version));
        seen.reviewed += 1;
        seen.confirmed += usize::from(right);
        seen.of_this += usize::from(ours);
        seen.confirmed_of_this += usize::from(ours && right);
    }
    Ok(seen)
}

/// What can listen here, or the sentence that says what is missing.
fn engines(place: &Place) -> Vec<(&'static str, Option<String>)> {
    let open = |engine| {
        let choice = EngineChoice { engine, models: place.models.clone(), model: None };
        speech::recogniser::open(&choice).err().map(|error| error.to_string())
    };
    let meaning = speech::sentences::Sentences::open(&place.models).err().map(|error| error.to_string());
    vec![("whisper", open(EngineName::Whisper)), ("vosk", open(EngineName::Vosk)), ("e5", meaning)]
}

impl Info {
    /// What is most often taken for what: `(truth, given, calls, of so many)`.
    fn confusions(&self) -> Vec<(&str, &str, usize, usize)> {
        let classes = &self.frozen.classes;
        let mut found: Vec<(&str, &str, usize, usize)> = Vec::new();
        for (truth, row) in classes.iter().zip(&self.frozen.confusion) {
            for (given, count) in classes.iter().zip(row) {
                if *count > 0 && truth.label != given.label {
                    found.push((&truth.label, &given.label, *count, truth.support));
                }
            }
        }
        found.sort_by_key(|confusion| std::cmp::Reverse(confusion.2));
        found.truncate(CONFUSIONS);
        found
    }

    fn from(&self) -> String {
        match &self.origin {
            Origin::Shipped => "it ships with the program".to_owned(),
            Origin::File(file) => file.display().to_string(),
        }
    }

    fn json(&self) -> Value {
        let info = self.classifier.info();
        let seen = |seen: &Seen| {
            let own = |own: &in_use::Own| {
                let quality = own.category.quality();
                json!({ "id": own.about.category.id, "title": own.about.category.title_ru, "made": own.about.made,
                    "by": own.about.by, "examples": quality.examples, "found": quality.found,
                    "mistaken": quality.mistaken })
            };
            json!({ "clinic": seen.clinic, "waiting": seen.waiting, "reviewed": seen.reviewed,
                "confirmed": seen.confirmed, "reviewed_of_this": seen.of_this,
                "confirmed_of_this": seen.confirmed_of_this, "own": seen.own.iter().map(own).collect::<Vec<_>>() })
        };
        let confusion = |(truth, given, calls, of): (&str, &str, usize, usize)| json!({ "truth": truth, "given": given, "calls": calls, "of": of });
        let engine = |(name, missing): &(&str, Option<String>)| json!({ "id": name, "installed": missing.is_none(), "missing": missing });
        json!({
            "classifier": {
                "version": self.version, "shipped": self.origin == Origin::Shipped, "from": self.from(),
                "trained": info.trained, "calls": info.calls, "corpus": info.corpus, "labels": info.labels,
                "features": self.classifier.model().len(),
                "cross_validation": { "macro_f1": info.macro_f1, "accuracy": info.accuracy, "ece": info.ece },
                "review_below": info.review_below, "made": self.made,
                "asks_for_meaning": self.classifier.asks_for_meaning(),
            },
            "frozen": self.frozen, "has_seen_them": self.has_seen_them,
            "confusions": self.confusions().into_iter().map(confusion).collect::<Vec<_>>(),
            "clinics": self.clinics.iter().map(seen).collect::<Vec<_>>(),
            "engines": self.engines.iter().map(engine).collect::<Vec<_>>(),
        })
    }

    fn print(&self, place: &Place) -> Result<()> {
        let info = self.classifier.info();
        println!("classifier {} · {}", self.version, self.from());
        println!("  trained {} on {} calls, {} features", info.trained, info.calls, self.classifier.model().len());
        if self.classifier.asks_for_meaning() {
            println!("  where the words leave a doubt it asks what they mean as a whole (e5)");
        }
        if let Some(made) = &self.made {
            println!(
                "  with {} corrections ({} more kept for the test); it replaced {}: macro-F1 {:.3} → {:.3}",
                made.learned, made.frozen, made.replaced, made.before, made.after
            );
        }
        println!(
            "  cross-validation by scenario: macro-F1 {:.3}, accuracy {:.3}, ECE {:.3}",
            info.macro_f1, info.accuracy, info.ece
        );
        println!("\nnow, on the {} calls of the corpus that are kept from every training:", self.frozen.calls);
        print_classes(&self.frozen);
        if self.has_seen_them {
            println!(
                "it was trained before these calls were set apart and has seen them: believe the cross-validation"
            );
        }
        let confusions = self.confusions();
        if !confusions.is_empty() {
            println!("\nwhat it is bad at");
            for (truth, given, calls, of) in confusions {
                let (truth, given) = (category_name(truth), category_name(given));
                println!("  {calls} of {of} calls «{truth}» are taken for «{given}»");
            }
        }
        for seen in &self.clinics {
            seen.print();
        }
        println!("\nwhat listens, and what compares sentences (e5)");
        for (name, missing) in &self.engines {
            match missing {
                None => println!("  {name}: ready"),
                Some(why) => println!("  {name}: not here: {why}"),
            }
        }
        println!();
        speech_models(place)?.print(Format::Table)
    }
}

impl Seen {
    fn print(&self) {
        println!("\n{}: {} calls wait for a look (gudok review --clinic {})", self.clinic, self.waiting, self.clinic);
        if self.reviewed > 0 {
            println!(
                "  people looked at {} verdicts and agreed with {}; of this classifier {} and {} (what comes to a look is \
                 mostly doubtful: of all calls more are right)",
                self.reviewed, self.confirmed, self.of_this, self.confirmed_of_this
            );
        }
        for own in &self.own {
            let quality = own.category.quality();
            println!(
                "  own category {} «{}»: {} examples, {:.0} % found, {:.1} % of others taken; made {} by {}",
                own.about.category.id,
                own.about.category.title_ru,
                quality.examples,
                quality.found * 100.0,
                quality.mistaken * 100.0,
                own.about.made,
                own.about.by
            );
        }
    }
}
