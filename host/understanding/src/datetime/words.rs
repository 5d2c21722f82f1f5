//! What single words mean where dates and times are spoken of: the vocabulary, and looking a damaged word up in it.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Weekday;

use super::vocabulary::{MONTHS, NOT_PAST, SOUND_WORDS, STARTS, WEEKDAYS, WORDS};
use crate::normalise::{fuzzy, sound};
use crate::number::{self, OrdinalForm};

/// The meaning of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lex {
    /// Cardinal in words.
    Card(u32),
    /// Ordinal in words.
    Ord(u32, OrdinalForm),
    /// Figures: value and number of digits.
    Digits(u32, usize),
    /// «полпятого» in one word: the hour that is under way.
    HalfTo(u32),
    Weekday(Weekday),
    /// «вторникам»: every Tuesday.
    EveryWeekday(Weekday),
    Month(i8),
    /// сегодня 0, завтра 1 …
    Relative(i32),
    Yesterday,
    Unit(Unit),
    /// «полчаса».
    HalfHour,
    /// «полгода», «полмесяца».
    HalfYear,
    HalfMonth,
    Part(Part),
    /// «утра», «вечера»: after an hour they say which half of the day.
    PartOf(Part),
    Prep(Prep),
    Not,
    /// Takes back what was said: «ой», «вернее», «то есть».
    Correct,
    /// «лучше»: takes back a value of the same kind only.
    Rather,
    /// «пораньше»: the morning, unless a part of the day is named.
    Early,
    /// «прямо сейчас».
    Now,
    /// «нет» takes back between two values, otherwise it says nothing.
    No,
    Or,
    And,
    Next,
    This,
    Nearest,
    Last,
    Ago,
    /// «числа».
    OfMonth,
    Start,
    Middle,
    End,
    Half,
    /// «пол» on its own.
    HalfPrefix,
    Quarter,
    Without,
    OneAndHalf,
    Couple,
    Several,
    Earlier,
    Later,
    Any,
    Every,
    Except,
    Weekend,
    Workdays,
    /// «побыстрее», «срочно».
    Asap,
    /// «на днях», «потом»: a wish without a value.
    Vague,
    /// A noun that shows the number before it to be no time.
    Thing,
    /// A sign of medicine taking: таблетка, капать, раз.
    Dose,
    /// A sign of a place: улица, дом.
    Address,
    /// A name follows: «фамилия Среда».
    Named,
    /// Past tense.
    Past,
    /// What the patient suffers from now.
    Symptom,
    /// A wish to come: можно, хочу, запишите.
    Wish,
    /// «могу», «успею»: with «не» before it the time named does not suit.
    Able,
    /// «занят», «работаю», «никак»: the time named does not suit.
    Busy,
    /// Moving a booking.
    Move,
    /// «записан».
    Booked,
    /// Says nothing: «ну», «примерно».
    Filler,
    /// Anything else.
    Other,
    /// Beyond the last word.
    Nil,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Morning,
    BeforeLunch,
    Lunch,
    Day,
    AfterLunch,
    Evening,
    LateEvening,
    Night,
    Noon,
    Opening,
    Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prep {
    In,
    On,
    To,
    Until,
    From,
    After,
    Through,
    About,
    Between,
    By,
    Of,
    For,
}

/// The meaning of a folded word as it stands.
pub(super) fn exact(word: &str) -> Option<Lex> {
    if let Some(lex) = TABLE.get(word) {
        return Some(*lex);
    }
    if let Some(number) = number::exact(word) {
        return Some(number_lex(number));
    }
    half_to(word).or_else(|| cue(word))
}

/// The meaning of a folded word, forgiving slips in words of six letters and more.
pub(super) fn meaning(word: &str) -> Lex {
    exact(word).or_else(|| tolerant(word)).or_else(|| cut_short(word)).unwrap_or(Lex::Other)
}

/// The calendar word, or the little word before one, that sounds like `word`.
fn sounding(word: &str) -> Option<Lex> {
    static SOUNDS: LazyLock<HashMap<String, Lex>> = LazyLock::new(|| {
        let mut sounds: HashMap<String, Lex> = HashMap::new();
        for (form, lex) in TABLE.iter().filter(|(form, lex)| form.chars().count() >= 4 && bears_sound(**lex)) {
            let other = sounds.entry(sound(form)).or_insert(*lex);
            if other != lex {
                *other = Lex::Other;
            }
        }
        sounds.retain(|sound, lex| *lex != Lex::Other && sound.chars().count() >= 4);
        sounds
    });
    SOUNDS.get(&sound(word)).copied()
}

/// «завтр», «утр», «недел»: the last letter lost.
fn cut_short(word: &str) -> Option<Lex> {
    let letters = word.chars().count();
    if letters < 3 {
        return None;
    }
    let longer = |form: &&str| form.starts_with(word) && form.chars().count() == letters + 1;
    let known = |lex: Lex| bears_damage(lex) || letters >= 4 && bears_sound(lex);
    let mut whole = TABLE.iter().filter(|(form, lex)| longer(form) && known(**lex)).map(|(_, lex)| *lex);
    let first = whole.next()?;
    whole.all(|lex| lex == first).then_some(first)
}

fn tolerant(word: &str) -> Option<Lex> {
    let letters = word.chars().count();
    if letters < 4 || SOUND_WORDS.split_whitespace().any(|sound| word.starts_with(sound)) {
        return None;
    }
    if let Some(lex) = sounding(word) {
        return Some(lex);
    }
    if letters < 6 {
        return None;
    }
    if let Some(number) = number::word(word) {
        return Some(number_lex(number));
    }
    nearest(word).or_else(|| nearest(&undoubled(word))).or_else(|| half_to(word))
}

/// «пятнеццу» → «пятнецу».
fn undoubled(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

fn nearest(word: &str) -> Option<Lex> {
    let mut best: Option<(usize, Lex)> = None;
    for (form, lex) in TABLE.iter() {
        let length = form.chars().count();
        if length < 6 || !bears_damage(*lex) {
            continue;
        }
        let limit = if length >= 9 { 2 } else { 1 };
        if let Some(distance) = fuzzy::within(form, word, limit) {
            match best {
                Some((least, _)) if least < distance => {}
                Some((least, other)) if least == distance && other != *lex => best = Some((least, Lex::Other)),
                _ => best = Some((distance, *lex)),
            }
        }
    }
    best.map(|(_, lex)| lex).filter(|lex| *lex != Lex::Other)
}

/// Only words that name a day or a time are looked for under damage; function words and cues are too many-faced.
fn bears_damage(lex: Lex) -> bool {
    matches!(
        lex,
        Lex::Weekday(_)
            | Lex::Month(_)
            | Lex::Relative(_)
            | Lex::Part(_)
            | Lex::Weekend
            | Lex::Next
            | Lex::Nearest
            | Lex::Half
            | Lex::Unit(_)
            | Lex::Quarter
    )
}

/// Words of which a spelling by ear is told from ordinary words.
fn bears_sound(lex: Lex) -> bool {
    bears_damage(lex)
        || matches!(
            lex,
            Lex::Prep(Prep::After | Prep::Through | Prep::About | Prep::Between) | Lex::Later | Lex::Earlier
        )
}

/// «полпятого», also as «полпятова», «полдевять».
fn half_to(word: &str) -> Option<Lex> {
    let rest = word.strip_prefix("полу").filter(|r| number::exact(r).is_some()).or_else(|| word.strip_prefix("пол"))?;
    let number = number::exact(rest).or_else(|| (rest.chars().count() >= 6).then(|| number::word(rest)).flatten())?;
    let half = matches!(number.ordinal, Some(OrdinalForm::Genitive | OrdinalForm::Dative | OrdinalForm::Prepositional));
    (half && (1..=12).contains(&number.value)).then_some(Lex::HalfTo(number.value))
}

fn number_lex(number: number::NumberWord) -> Lex {
    match number.ordinal {
        None => Lex::Card(number.value),
        Some(form) => Lex::Ord(number.value, form),
    }
}

/// Words known by how they begin.
fn cue(word: &str) -> Option<Lex> {
    STARTS
        .iter()
        .find(|(_, starts)| starts.split_whitespace().any(|s| word.starts_with(s)))
        .map(|(lex, _)| *lex)
        .or_else(|| {
            let past = ["лся", "лась", "лись", "лось", "ла", "ло", "ли"].iter().any(|end| word.ends_with(end))
                || word.ends_with("ал")
                || word.ends_with("ил")
                || word.ends_with("ел");
            let verb = word.chars().count() >= 4 && !NOT_PAST.split_whitespace().any(|not| word.starts_with(not));
            (past && verb).then_some(Lex::Past)
        })
}

static TABLE: LazyLock<HashMap<&'static str, Lex>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for (lex, forms) in WORDS {
        table.extend(forms.split_whitespace().map(|form| (form, *lex)));
    }
    for (day, forms, every) in WEEKDAYS {
        table.extend(forms.split_whitespace().map(|form| (form, Lex::Weekday(*day))));
        table.extend(every.split_whitespace().map(|form| (form, Lex::EveryWeekday(*day))));
    }
    for (nth, forms) in MONTHS.iter().enumerate() {
        table.extend(forms.split_whitespace().map(|form| (form, Lex::Month(nth as i8 + 1))));
    }
    table
});
