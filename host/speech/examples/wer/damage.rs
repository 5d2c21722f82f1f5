//! What a recogniser does to words: which are lost, which get another ending, which letters are taken for each other,
//! what is split and what runs together. Printed as TOML, for a generator of such damage and for people.

use std::collections::BTreeMap;

use super::score::{distance, plain, read, split};
use super::{Outcome, Spoken};

/// What became of a word or two.
enum Fate<'a> {
    Kept(&'a str),
    Lost(&'a str),
    Added(&'a str),
    /// Said, heard.
    Changed(&'a str, &'a str),
    Split(&'a str, [&'a str; 2]),
    Merged([&'a str; 2], &'a str),
}

type Counts = BTreeMap<(String, String), usize>;

#[derive(Default)]
struct Damage {
    said: usize,
    kept: usize,
    lost: BTreeMap<String, usize>,
    occurred: BTreeMap<String, usize>,
    added: BTreeMap<String, usize>,
    endings: Counts,
    letters: Counts,
    near: Counts,
    far: Counts,
    split: Counts,
    merged: Counts,
    // By length of the word said: lost, all.
    lengths: BTreeMap<usize, (usize, usize)>,
    figures: usize,
}

pub fn print(transcripts: &[Spoken], files: &[&str]) -> Outcome<()> {
    let mut damage = Damage::default();
    for file in files {
        let hearing = read(file)?;
        for spoken in transcripts {
            let Some(heard) = hearing.get(&spoken.name) else { continue };
            damage.figures +=
                heard.text.split_whitespace().filter(|word| word.chars().any(|c| c.is_ascii_digit())).count();
            let (wanted, got) = (plain(&spoken.text), plain(&heard.text));
            for fate in align(&split(&wanted), &split(&got)) {
                damage.add(&fate);
            }
        }
    }
    damage.print();
    Ok(())
}

/// Costs of words as unlike as can be.
const FULL: usize = 100;

/// How unlike two words are.
fn unlike(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a == b { 0 } else { 20 + 110 * distance(&a, &b) / a.len().max(b.len()).max(1) }
}

/// The cheapest way from what was said to what was heard.
fn align<'a>(said: &[&'a str], heard: &[&'a str]) -> Vec<Fate<'a>> {
    let (n, m) = (said.len(), heard.len());
    let mut cost = vec![vec![(usize::MAX, (0, 0)); m + 1]; n + 1];
    cost[0][0].0 = 0;
    for i in 0..=n {
        for j in 0..=m {
            let here = cost[i][j].0;
            let mut reach = |di: usize, dj: usize, price: usize| {
                let next = &mut cost[i + di][j + dj];
                if here.saturating_add(price) < next.0 {
                    *next = (here + price, (di, dj));
                }
            };
            if i < n {
                reach(1, 0, FULL);
            }
            if j < m {
                reach(0, 1, FULL);
            }
            if i < n && j < m {
                reach(1, 1, unlike(said[i], heard[j]));
            }
            // Split and merged words are worth it where they sound alike.
            if i < n && j + 1 < m {
                let price = unlike(said[i], &format!("{}{}", heard[j], heard[j + 1]));
                if price < 60 {
                    reach(1, 2, price + 30);
                }
            }
            if i + 1 < n && j < m {
                let price = unlike(&format!("{}{}", said[i], said[i + 1]), heard[j]);
                if price < 60 {
                    reach(2, 1, price + 30);
                }
            }
        }
    }
    let (mut i, mut j, mut fates) = (n, m, Vec::new());
    while (i, j) != (0, 0) {
        let step = cost[i][j].1;
        (i, j) = (i - step.0, j - step.1);
        fates.push(match step {
            (1, 0) => Fate::Lost(said[i]),
            (0, 1) => Fate::Added(heard[j]),
            (1, 2) => Fate::Split(said[i], [heard[j], heard[j + 1]]),
            (2, 1) => Fate::Merged([said[i], said[i + 1]], heard[j]),
            _ if said[i] == heard[j] => Fate::Kept(said[i]),
            _ => Fate::Changed(said[i], heard[j]),
        });
    }
    fates.reverse();
    fates
}

impl Damage {
    fn add(&mut self, fate: &Fate<'_>) {
        let words: &[&str] = match fate {
            Fate::Kept(word) | Fate::Lost(word) | Fate::Changed(word, _) | Fate::Split(word, _) => &[word],
            Fate::Merged(words, _) => words,
            Fate::Added(_) => &[],
        };
        for word in words {
            self.said += 1;
            *self.occurred.entry((*word).into()).or_default() += 1;
            self.lengths.entry(word.chars().count().min(10)).or_default().1 += 1;
        }
        let mut count = |counts: fn(&mut Damage) -> &mut Counts, a: &str, b: &str| {
            *counts(self).entry((a.into(), b.into())).or_default() += 1;
        };
        match *fate {
            Fate::Kept(_) => self.kept += 1,
            Fate::Lost(word) => {
                *self.lost.entry(word.into()).or_default() += 1;
                self.lengths.entry(word.chars().count().min(10)).or_default().0 += 1;
            }
            Fate::Added(word) => *self.added.entry(word.into()).or_default() += 1,
            Fate::Split(word, [a, b]) => count(|d| &mut d.split, word, &format!("{a} {b}")),
            Fate::Merged([a, b], word) => count(|d| &mut d.merged, &format!("{a} {b}"), word),
            Fate::Changed(said, heard) => {
                let (a, b): (Vec<char>, Vec<char>) = (said.chars().collect(), heard.chars().collect());
                let common = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
                let far = 2 * distance(&a, &b) > a.len().max(b.len());
                count(if far { |d| &mut d.far } else { |d| &mut d.near }, said, heard);
                if common >= 3 && a.len() - common <= 3 && b.len() - common <= 3 {
                    let tail = |word: &[char]| word[common..].iter().collect::<String>();
                    count(|d| &mut d.endings, &tail(&a), &tail(&b));
                } else if !far {
                    // One letter for another, where the rest of the word agrees on either side.
                    let behind = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
                    let middle = |word: &[char]| {
                        word[common..word.len().saturating_sub(behind).max(common)].iter().collect::<String>()
                    };
                    let (a, b) = (middle(&a), middle(&b));
                    if a.chars().count() <= 2 && b.chars().count() <= 2 {
                        count(|d| &mut d.letters, &a, &b);
                    }
                }
            }
        }
    }

    fn print(&self) {
        let per_mille = |count: usize| 1_000.0 * count as f64 / self.said.max(1) as f64;
        let total = |counts: &Counts| counts.values().sum::<usize>();
        println!("[per_thousand_words]");
        println!("words = {}", self.said);
        for (name, count) in [
            ("kept", self.kept),
            ("lost", self.lost.values().sum()),
            ("added", self.added.values().sum()),
            ("ending_changed", total(&self.endings)),
            ("alike", total(&self.near)),
            ("another_word", total(&self.far)),
            ("split", total(&self.split)),
            ("merged", total(&self.merged)),
            ("written_in_figures", self.figures),
        ] {
            println!("{name} = {:.1}", per_mille(count));
        }
        println!("\n[lost_by_letters]");
        for (length, (lost, all)) in &self.lengths {
            println!("{length} = {:.1}", 100.0 * *lost as f64 / (*all).max(1) as f64);
        }
        println!("\n[words_lost]");
        let mut lost: Vec<_> =
            self.lost.iter().map(|(word, lost)| (word, *lost, self.occurred.get(word).copied().unwrap_or(1))).collect();
        lost.sort_by_key(|(_, lost, _)| std::cmp::Reverse(*lost));
        for (word, lost, all) in lost.iter().take(40) {
            println!("{word:?} = [{lost}, {all}]");
        }
        println!("\n[words_added]");
        let mut added: Vec<_> = self.added.iter().collect();
        added.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (word, count) in added.iter().take(30) {
            println!("{word:?} = {count}");
        }
        for (name, counts, most) in [
            ("endings", &self.endings, 60),
            ("letters", &self.letters, 80),
            ("alike", &self.near, 120),
            ("another", &self.far, 80),
            ("split", &self.split, 60),
            ("merged", &self.merged, 60),
        ] {
            println!("\n[{name}]\npairs = [");
            let mut pairs: Vec<_> = counts.iter().collect();
            pairs.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for ((said, heard), count) in pairs.iter().take(most) {
                println!("    [{said:?}, {heard:?}, {count}],");
            }
            println!("]");
        }
    }
}
