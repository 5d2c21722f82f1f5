//! Damage as a recogniser does it, for training: endings heard wrong, small words lost, words run together or cut apart,
//! borders between words moved, letters taken for their neighbours in sound, numbers written as figures. The kinds,
//! their shares and the letters follow what a recogniser was heard to do ([`Confusions`]). Seeded, so that training
//! repeats.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::CallText;

/// A small generator (splitmix64): training must repeat to the bit.
pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True in `percent` of cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// What a recogniser was heard to do, counted (`models/lexicon/asr_confusions.toml`).
struct Confusions {
    /// Lost, ending changed, heard alike, another word, split, merged: how often, added up from first to last.
    kinds: [u64; 6],
    /// Ending said, ending heard, how often.
    endings: Vec<(String, String, u64)>,
    /// Letters said, letters heard, how often.
    letters: Vec<(String, String, u64)>,
}

static CONFUSIONS: LazyLock<Confusions> = LazyLock::new(|| {
    let file: ConfusionsFile = toml::from_str(include_str!("../../../../models/lexicon/asr_confusions.toml"))
        .expect("invariant: the embedded asr_confusions.toml is checked by a test");
    let mut kinds = [0; 6];
    for counts in file.per_thousand_words.values() {
        let Counts { lost, ending_changed, alike, another_word, split, merged } = counts;
        for (sum, count) in kinds.iter_mut().zip([lost, ending_changed, alike, another_word, split, merged]) {
            *sum += count;
        }
    }
    for n in 1..kinds.len() {
        kinds[n] += kinds[n - 1];
    }
    Confusions { kinds, endings: file.endings.pairs, letters: file.letters.pairs }
});

#[derive(Deserialize)]
struct ConfusionsFile {
    per_thousand_words: BTreeMap<String, Counts>,
    endings: Pairs,
    letters: Pairs,
}

#[derive(Deserialize)]
struct Counts {
    lost: u64,
    ending_changed: u64,
    alike: u64,
    another_word: u64,
    split: u64,
    merged: u64,
}

#[derive(Deserialize)]
struct Pairs {
    pairs: Vec<(String, String, u64)>,
}

/// Numbers as a recogniser writes them.
const FIGURES: &[(&str, &str)] = &[
    ("один", "1"),
    ("два", "2"),
    ("две", "2"),
    ("три", "3"),
    ("четыре", "4"),
    ("пять", "5"),
    ("шесть", "6"),
    ("семь", "7"),
    ("восемь", "8"),
    ("девять", "9"),
    ("десять", "10"),
    ("одиннадцать", "11"),
    ("двенадцать", "12"),
    ("пятнадцать", "15"),
    ("двадцать", "20"),
    ("тридцать", "30"),
    ("сорок", "40"),
    ("пятьдесят", "50"),
    ("сто", "100"),
    ("двести", "200"),
    ("триста", "300"),
    ("пятьсот", "500"),
];

/// The call as a recogniser might have heard it; `strength` is the share of words touched, in per cent.
pub(super) fn damage(call: &CallText, strength: u64, random: &mut Random) -> CallText {
    let mut out = call.clone();
    for turn in &mut out.turns {
        turn.text = damage_text(&turn.text, strength, random);
    }
    out
}

fn damage_text(text: &str, strength: u64, random: &mut Random) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let bare: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if bare.is_empty() {
            continue;
        }
        // Whatever else befalls a call, numbers come out as figures.
        if let Some((_, figure)) = FIGURES.iter().find(|(word, _)| *word == bare)
            && random.chance(60)
        {
            words.push((*figure).to_owned());
            continue;
        }
        if !random.chance(strength) {
            words.push(bare);
            continue;
        }
        let letters = bare.chars().count();
        let lot = random.next() % CONFUSIONS.kinds[5].max(1);
        match CONFUSIONS.kinds.iter().position(|sum| lot < *sum) {
            Some(0) if letters <= 4 => {}
            Some(1) if letters > 3 => words.push(other_ending(&bare, random)),
            // Another word altogether: several letters wrong, or little more than the beginning left.
            Some(3) if letters > 5 && random.chance(40) => words.push(cut(&bare, letters - 3).0),
            Some(3) => words.push((0..3).fold(bare, |word, _| other_letters(&word, random))),
            Some(4) if letters > 6 && random.chance(50) => {
                let (head, tail) = cut(&bare, 3 + random.below(letters - 5));
                words.extend([head, tail]);
            }
            // «корма вы» is heard as «кор мавы»: the border between two words moves.
            Some(4) if letters > 2 && words.last().is_some_and(|w| w.chars().count() > 3) => {
                let before = words.pop().unwrap_or_default();
                let (head, moved) = cut(&before, before.chars().count() - 1 - random.below(2));
                words.extend([head, moved + &bare]);
            }
            Some(5) if words.last().is_some_and(|w| w.chars().count() + letters < 14) => {
                let before = words.pop().unwrap_or_default();
                words.push(before + &bare);
            }
            // A long word heard wrong is wrong in more than one place.
            _ => {
                let once = other_letters(&bare, random);
                words.push(if letters > 7 && random.chance(50) { other_letters(&once, random) } else { once });
            }
        }
    }
    words.join(" ")
}

fn cut(word: &str, at: usize) -> (String, String) {
    (word.chars().take(at).collect(), word.chars().skip(at).collect())
}

fn other_ending(word: &str, random: &mut Random) -> String {
    let fits = |p: &&(String, String, u64)| !p.0.is_empty() && word.ends_with(p.0.as_str());
    match draw(CONFUSIONS.endings.iter().filter(fits), random) {
        Some((said, heard, _)) => word.strip_suffix(said.as_str()).unwrap_or(word).to_owned() + heard,
        None => cut(word, word.chars().count() - 1).0,
    }
}

fn other_letters(word: &str, random: &mut Random) -> String {
    let fits = |p: &&(String, String, u64)| !p.0.is_empty() && word.contains(p.0.as_str());
    let Some((said, heard, _)) = draw(CONFUSIONS.letters.iter().filter(fits), random) else {
        return word.to_owned();
    };
    let places: Vec<usize> = word.match_indices(said.as_str()).map(|(at, _)| at).collect();
    let at = places[random.below(places.len())];
    format!("{}{heard}{}", &word[..at], &word[at + said.len()..])
}

/// One of the pairs, those met often more often.
fn draw<'a>(
    pairs: impl Iterator<Item = &'a (String, String, u64)> + Clone,
    random: &mut Random,
) -> Option<&'a (String, String, u64)> {
    let all: u64 = pairs.clone().map(|p| p.2).sum();
    let mut lot = random.next() % all.max(1);
    pairs.into_iter().find(|p| {
        let found = lot < p.2;
        lot = lot.saturating_sub(p.2);
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_repeats_and_damages() {
        let text = "Здравствуйте, хочу записать собаку на прививку в субботу утром, если можно";
        let once = damage_text(text, 40, &mut Random(7));
        assert_eq!(once, damage_text(text, 40, &mut Random(7)));
        assert_ne!(once, damage_text(text, 0, &mut Random(7)));
        assert_eq!(damage_text("Да, алло!", 0, &mut Random(1)), "да алло");
    }
}
