//! What the patient suffers from, and whether a life is in danger: «кот не может пописать вторые сутки», «рвёт с утра».
//!
//! Phrases of callers stand in `data/symptoms.toml`. One that is denied («крови нет, просто понос») or long past («в
//! прошлом году падала с балкона») is not what the patient has now and does not count.

use std::ops::Range;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::lexicon::Cues;
use crate::lexicon::patterns::Found;
use crate::lexicon::text::Text;

/// The list whose phrases say that a life is at stake.
const DANGER: &str = "danger";

/// Something the patient suffers from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symptom {
    /// As the desk would write it.
    pub name: String,
    /// Where in the text it was said, in bytes.
    pub span: Range<usize>,
}

/// The symptoms named in `text`, each once, in order.
///
/// ```
/// use understanding::symptom::find;
/// let names: Vec<String> = find("кота рвёт с утра, и чихает").into_iter().map(|s| s.name).collect();
/// assert_eq!(names, ["рвота", "насморк"]);
/// assert!(find("не чешется, просто прививку").is_empty());
/// ```
pub fn find(text: &str) -> Vec<Symptom> {
    let cut = Text::new(text);
    let mut out: Vec<Symptom> = Vec::new();
    for found in said(&cut) {
        let name = &CUES.ids[found.group];
        if name != DANGER && !out.iter().any(|s| s.name == *name) {
            out.push(Symptom { name: name.clone(), span: bytes(text, &cut, &found) });
        }
    }
    out
}

/// Where `text` says that a life is in danger: a person is needed at once.
///
/// ```
/// use understanding::symptom::danger;
/// assert!(danger("собака съела крысиный яд").is_some());
/// assert!(danger("плановая прививка нужна").is_none());
/// ```
pub fn danger(text: &str) -> Option<Range<usize>> {
    let cut = Text::new(text);
    said(&cut).find(|found| CUES.ids[found.group] == DANGER).map(|found| bytes(text, &cut, &found))
}

/// [`danger`] in a text already cut.
pub(crate) fn in_danger(text: &Text) -> bool {
    said(text).any(|found| CUES.ids[found.group] == DANGER)
}

/// Whether any symptom is named in a text already cut.
pub(crate) fn any(text: &Text) -> bool {
    said(text).next().is_some()
}

static CUES: LazyLock<Cues> = LazyLock::new(|| {
    Cues::parse(include_str!("../data/symptoms.toml"))
        .expect("invariant: the embedded symptoms.toml is checked by a test")
});

/// What is neither denied, nor past, nor a figure of speech.
fn said(text: &Text) -> impl Iterator<Item = Found> + '_ {
    CUES.patterns.find(text).into_iter().filter(|found| !denied(text, found) && !past(text, found))
}

/// «не умирает», «крови нет», «судорог больше нет», «без температуры».
fn denied(text: &Text, found: &Found) -> bool {
    let word = |at: usize| text.words.get(at).map_or("", |w| w.text.as_str());
    let inside = |is: &str| (found.first..=found.last).any(|at| word(at) == is);
    // «не может дышать» is denied by nobody: the denial belongs to the phrase.
    if inside("не") || inside("нет") || inside("без") {
        return false;
    }
    let before = found.first.checked_sub(1).map_or("", word);
    // «не чешется», but «умирает, нет, не могу» speaks of something else.
    if matches!(before, "не" | "без") || before == "нет" && !text.stops.contains(&found.first) {
        return true;
    }
    let after = (found.last + 1..=found.last + 2).take_while(|at| !text.stops.contains(at));
    let quiet =
        |w: &str| matches!(w, "больше" | "уже" | "пока" | "там" | "никакой" | "никаких" | "вроде" | "не" | "совсем");
    for at in after {
        match word(at) {
            "нет" | "нету" | "прошло" | "прошел" | "прошла" | "прошли" => return true,
            "было" | "была" | "был" | "видно" if word(at - 1) == "не" => return true,
            w if quiet(w) => {}
            _ => return false,
        }
    }
    false
}

/// «в прошлом году падала с балкона», «год назад отравился», «умираем со смеху».
fn past(text: &Text, found: &Found) -> bool {
    let word = |at: usize| text.words.get(at).map_or("", |w| w.text.as_str());
    let (from, to) = (found.first.saturating_sub(4), (found.last + 4).min(text.words.len()));
    (from..to).any(|at| match word(at) {
        "назад" => {
            (from..at).any(|n| matches!(word(n), "год" | "года" | "лет" | "месяц" | "месяца" | "месяцев" | "полгода"))
        }
        "году" | "годом" => at > 0 && word(at - 1).starts_with("прошл"),
        "детстве" | "молодости" => true,
        "смеху" | "скуки" | "любопытства" => true,
        // «умираю как хочу спать»
        "как" => at + 1 < to && matches!(word(at + 1), "хочу" | "хочется"),
        _ => false,
    })
}

fn bytes(text: &str, cut: &Text, found: &Found) -> Range<usize> {
    let at = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(byte, _)| byte);
    at(cut.words[found.first].chars.start)..at(cut.words[found.last].chars.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_list_is_well_formed() {
        assert!(CUES.ids.len() > 20);
        assert!(CUES.ids.iter().any(|id| id == DANGER));
    }

    #[test]
    fn the_span_covers_the_phrase() {
        let text = "алло, у нас собаку сбила машина";
        let span = danger(text).expect("a danger");
        assert_eq!(&text[span], "сбила машина");
    }
}
