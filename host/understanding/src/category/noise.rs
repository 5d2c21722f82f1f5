//! Damage as a recogniser does it, for training: endings heard wrong, small words lost, words run together or cut apart,
//! letters taken for their neighbours in sound. Seeded, so that training repeats.

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

/// Pairs that sound alike.
const ALIKE: &[(char, char)] = &[
    ('о', 'а'),
    ('е', 'и'),
    ('б', 'п'),
    ('в', 'ф'),
    ('г', 'к'),
    ('д', 'т'),
    ('ж', 'ш'),
    ('з', 'с'),
    ('и', 'ы'),
    ('м', 'н'),
    ('щ', 'ш'),
    ('у', 'о'),
    ('э', 'е'),
    ('ц', 'с'),
    ('ч', 'ш'),
    ('й', 'и'),
    ('л', 'р'),
    ('х', 'к'),
];
const ENDINGS: &[&str] = &["а", "у", "ы", "е", "ой", "ом", "и", "ам", "ов", "ть", "ет", "ли", "ый", "ую", "ия", "ю"];

/// The call as a recogniser might have heard it; `strength` is the share of words touched, in per cent.
pub(super) fn damage(call: &CallText, strength: u64, random: &mut Random) -> CallText {
    let mut out = call.clone();
    for turn in &mut out.turns {
        turn.text = damage_text(&turn.text, strength, random);
    }
    out
}

fn damage_text(text: &str, strength: u64, random: &mut Random) -> String {
    let mut out = String::with_capacity(text.len());
    let mut glue = false;
    for word in text.split_whitespace() {
        let bare: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let letters = bare.chars().count();
        if !random.chance(strength) {
            push(&mut out, &bare, &mut glue);
            continue;
        }
        match random.below(10) {
            0..=2 if letters <= 3 => {}
            0..=4 if letters > 4 => push(&mut out, &other_ending(&bare, random), &mut glue),
            5..=7 if letters > 2 => push(&mut out, &other_letter(&bare, random), &mut glue),
            8 if letters > 6 => {
                let cut = 3 + random.below(letters - 5);
                let (head, tail): (String, String) =
                    (bare.chars().take(cut).collect(), bare.chars().skip(cut).collect());
                push(&mut out, &head, &mut glue);
                push(&mut out, &tail, &mut glue);
            }
            9 => {
                push(&mut out, &bare, &mut glue);
                glue = true;
            }
            _ => push(&mut out, &bare, &mut glue),
        }
    }
    out
}

fn push(out: &mut String, word: &str, glue: &mut bool) {
    if !out.is_empty() && !word.is_empty() && !*glue {
        out.push(' ');
    }
    *glue = false;
    out.push_str(word);
}

fn other_ending(word: &str, random: &mut Random) -> String {
    let keep = word.chars().count() - 1 - random.below(2);
    let stem: String = word.chars().take(keep).collect();
    stem + ENDINGS[random.below(ENDINGS.len())]
}

fn other_letter(word: &str, random: &mut Random) -> String {
    let letters: Vec<char> = word.chars().collect();
    let at = random.below(letters.len());
    let swapped = ALIKE.iter().find_map(|&(a, b)| match letters[at] {
        c if c == a => Some(b),
        c if c == b => Some(a),
        _ => None,
    });
    letters.iter().enumerate().filter_map(|(i, &c)| if i == at { swapped } else { Some(c) }).collect()
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
