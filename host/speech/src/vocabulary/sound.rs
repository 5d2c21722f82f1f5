//! How unlike two spellings sound: letters that Russian speech and recognisers take for each other cost little.

/// A word as a row of letters, without those that are not heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sounds {
    letters: Vec<char>,
    /// For each of them its place in the word.
    places: Vec<usize>,
    length: usize,
}

/// Letters in one group sound alike: unstressed vowels, voiced and voiceless consonants, neighbours of one place.
const ALIKE: &[(&str, f32)] = &[
    ("оа", 0.2),
    ("еиэ", 0.2),
    ("иы", 0.2),
    ("яе", 0.25),
    ("яа", 0.3),
    ("юу", 0.3),
    ("бп", 0.35),
    ("вф", 0.35),
    ("гк", 0.35),
    ("дт", 0.35),
    ("зс", 0.35),
    ("жш", 0.35),
    ("шщ", 0.3),
    ("чщ", 0.4),
    ("цс", 0.4),
    ("гх", 0.4),
    ("кх", 0.45),
    ("мн", 0.5),
    ("лр", 0.6),
    ("йи", 0.2),
    ("чт", 0.6),
    ("ув", 0.6),
    ("цт", 0.5),
];
/// Another vowel.
const VOWEL: f32 = 0.55;
/// A vowel more or less.
const VOWEL_GONE: f32 = 0.6;
/// Anything else.
const FULL: f32 = 1.0;

impl Sounds {
    /// The sounds of a word in lower case, ё as е.
    pub fn of(word: &str) -> Sounds {
        let (mut letters, mut places): (Vec<char>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut length = 0;
        for (place, letter) in word.chars().enumerate() {
            length = place + 1;
            // Signs are not heard by themselves, and a doubled letter is heard once.
            if matches!(letter, 'ь' | 'ъ' | '-') || letters.last() == Some(&letter) {
                continue;
            }
            letters.push(letter);
            places.push(place);
        }
        Sounds { letters, places, length }
    }

    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// The cheapest beginning of `heard` to be taken for this word, among those after which `may_follow` allows the rest:
    /// its cost, and how many letters of the spelling it takes.
    pub fn best_prefix(&self, heard: &Sounds, may_follow: impl Fn(usize) -> bool) -> Option<(f32, usize)> {
        let n = heard.letters.len();
        let mut row: Vec<f32> = Vec::with_capacity(n + 1);
        row.push(0.0);
        for &letter in &heard.letters {
            row.push(row[row.len() - 1] + gone(letter));
        }
        for &own in &self.letters {
            let mut diagonal = row[0];
            row[0] += gone(own);
            for (j, &letter) in heard.letters.iter().enumerate() {
                let here = (diagonal + unlike(own, letter)).min(row[j + 1] + gone(own)).min(row[j] + gone(letter));
                diagonal = std::mem::replace(&mut row[j + 1], here);
            }
        }
        // The first sound carries a word: where it differs entirely, that counts twice.
        let first = match (self.letters.first(), heard.letters.first()) {
            (Some(&own), Some(&letter)) if unlike(own, letter) > 0.6 => FULL,
            _ => 0.0,
        };
        let ends = (0..=n).map(|used| (row[used] + first, heard.places.get(used).copied().unwrap_or(heard.length)));
        ends.filter(|&(_, used)| may_follow(used)).min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

fn unlike(a: char, b: char) -> f32 {
    if a == b {
        return 0.0;
    }
    let alike = ALIKE.iter().find(|(group, _)| group.contains(a) && group.contains(b));
    match alike {
        Some((_, cost)) => *cost,
        None if is_vowel(a) && is_vowel(b) => VOWEL,
        None => FULL,
    }
}

fn gone(letter: char) -> f32 {
    match letter {
        'й' => 0.3,
        _ if is_vowel(letter) => VOWEL_GONE,
        _ => FULL,
    }
}

fn is_vowel(letter: char) -> bool {
    "аеиоуыэюя".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(own: &str, heard: &str) -> f32 {
        Sounds::of(own).best_prefix(&Sounds::of(heard), |used| used == heard.chars().count()).expect("an end").0
    }

    #[test]
    fn what_sounds_alike_costs_little() {
        assert_eq!(cost("смирнов", "смирнов"), 0.0);
        assert_eq!(cost("гаммавит", "гамавит"), 0.0);
        assert!(cost("смирнов", "смернаф") < 1.0);
        assert!(cost("смирнов", "комаров") > 2.0);
    }

    #[test]
    fn the_first_sound_carries_a_word() {
        assert!(cost("ренал", "канал") > cost("ренал", "рынал") + 1.0);
    }

    #[test]
    fn endings_are_left_over() {
        let (cost, used) =
            Sounds::of("смирнов").best_prefix(&Sounds::of("смерновой"), |used| used >= 7).expect("an end");
        assert!(cost < 0.5);
        assert_eq!(used, 7);
    }
}
