//! Errors as a recogniser makes them in Russian over a telephone line: endings guessed, short words lost, words torn apart
//! or run together, sounds taken for one another. Seeded: the same seed makes the same errors.

/// Pairs that a telephone line does not tell apart: voiced and voiceless, unstressed vowels, hard and soft.
const ALIKE: [(char, char); 14] = [
    ('б', 'п'),
    ('в', 'ф'),
    ('г', 'к'),
    ('д', 'т'),
    ('ж', 'ш'),
    ('з', 'с'),
    ('о', 'а'),
    ('е', 'и'),
    ('я', 'е'),
    ('м', 'н'),
    ('ц', 'с'),
    ('щ', 'ш'),
    ('ы', 'и'),
    ('ю', 'у'),
];
/// Ending for ending, longest first.
const ENDINGS: [(&str, &str); 16] = [
    ("ого", "ова"),
    ("ать", "ает"),
    ("ить", "ит"),
    ("ая", "ую"),
    ("ую", "ая"),
    ("ой", "ый"),
    ("ый", "ой"),
    ("ия", "ию"),
    ("ов", "ом"),
    ("ам", "ом"),
    ("ет", "ит"),
    ("у", "а"),
    ("а", "у"),
    ("и", "ы"),
    ("е", "и"),
    ("ь", ""),
];

/// A recogniser that errs.
#[derive(Clone, Debug)]
pub struct Noise {
    rate: f64,
    state: u64,
}

impl Noise {
    /// `rate`: share of words that come out wrong, 0 to 1.
    pub fn new(rate: f64, seed: u64) -> Noise {
        Noise { rate: rate.clamp(0.0, 1.0), state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D }
    }

    /// What is heard when `text` is said.
    ///
    /// ```
    /// use rehearsal::noise::Noise;
    /// let said = "хочу записать кошку к хирургу на четверг";
    /// assert_eq!(Noise::new(0.0, 1).mishear(said), said);
    /// assert_ne!(Noise::new(1.0, 1).mishear(said), said);
    /// assert_eq!(Noise::new(0.5, 7).mishear(said), Noise::new(0.5, 7).mishear(said));
    /// ```
    pub fn mishear(&mut self, text: &str) -> String {
        if self.rate <= 0.0 {
            return text.to_owned();
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut heard: Vec<String> = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            // Without a word left the caller would have been silent, which is another thing.
            let last_hope = heard.is_empty() && index + 1 == words.len();
            if !self.chance(self.rate) {
                heard.push((*word).to_owned());
            } else if word.chars().count() <= 2 && !last_hope {
                // A short word is lost.
            } else {
                self.wrong(word, &mut heard);
            }
        }
        heard.join(" ")
    }

    fn wrong(&mut self, word: &str, heard: &mut Vec<String>) {
        match self.below(4) {
            0 => heard.push(self.another_ending(word)),
            1 if word.chars().count() >= 7 => {
                let at = 3 + self.below(word.chars().count() as u64 - 5) as usize;
                heard.push(word.chars().take(at).collect());
                heard.push(word.chars().skip(at).collect());
            }
            2 if !heard.is_empty() => {
                if let Some(before) = heard.last_mut() {
                    before.push_str(word);
                }
            }
            _ => heard.push(self.another_sound(word)),
        }
    }

    fn another_ending(&mut self, word: &str) -> String {
        let found = ENDINGS.iter().find(|(ending, _)| word.len() > ending.len() + 4 && word.ends_with(ending));
        match found {
            Some((ending, other)) => format!("{}{other}", &word[..word.len() - ending.len()]),
            None => self.another_sound(word),
        }
    }

    fn another_sound(&mut self, word: &str) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        let places: Vec<usize> = (0..letters.len()).filter(|place| alike(letters[*place]).is_some()).collect();
        match places.len() {
            // Nothing to mistake: the last sound is swallowed, or one is heard too many.
            0 if letters.len() > 2 => drop(letters.pop()),
            0 => letters.push('а'),
            some => {
                let place = places[self.below(some as u64) as usize];
                letters[place] = alike(letters[place]).unwrap_or(letters[place]);
            }
        }
        letters.into_iter().collect()
    }

    fn chance(&mut self, share: f64) -> bool {
        ((self.next() >> 11) as f64) < share * (1_u64 << 53) as f64
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// splitmix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn alike(letter: char) -> Option<char> {
    ALIKE.iter().find_map(|(one, other)| match letter {
        letter if letter == *one => Some(*other),
        letter if letter == *other => Some(*one),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn without_noise_nothing_changes(text in ".{0,80}", seed: u64) {
            prop_assert_eq!(Noise::new(0.0, seed).mishear(&text), text);
        }

        #[test]
        fn the_same_seed_hears_the_same(text in "[а-яё ]{0,80}", rate in 0.0..1.0_f64, seed: u64) {
            prop_assert_eq!(Noise::new(rate, seed).mishear(&text), Noise::new(rate, seed).mishear(&text));
        }

        #[test]
        fn speech_never_becomes_silence(text in ".{0,80}", rate in 0.0..=1.0_f64, seed: u64) {
            let heard = Noise::new(rate, seed).mishear(&text);
            prop_assert_eq!(heard.trim().is_empty(), text.trim().is_empty());
        }

        #[test]
        fn at_the_full_rate_every_line_is_misheard(words in prop::collection::vec("[а-я]{3,12}", 1..8), seed: u64) {
            let text = words.join(" ");
            prop_assert_ne!(Noise::new(1.0, seed).mishear(&text), text);
        }
    }

    #[test]
    fn about_as_many_words_are_wrong_as_asked() {
        let mut noise = Noise::new(0.2, 3);
        // Letters without a neighbour in sound, one word a line: every error shows.
        let wrong = (0..2_000).filter(|_| noise.mishear("погода") != "погода").count();
        assert!((320..480).contains(&wrong), "{wrong} of 2,000");
    }
}
