//! Telephone numbers as dictated: figures, words in groups of any size, corrections, or all of that mixed.
//!
//! The words become a row of digit groups; a correction («ой нет, двадцать два») replaces the group before it; the
//! digits must then make one Russian number.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::normalise::{Token, TokenKind, fuzzy, listed, tokens};
use crate::number;

/// A telephone number of the Russian numbering zone, or any international one given with a plus.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Why a string is no telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Not E.164.
    #[error("a phone number is written as + and 8 to 15 digits, such as +79031234567")]
    NotE164,
}

impl PhoneNumber {
    /// Takes an E.164 number.
    ///
    /// # Errors
    /// [`PhoneError::NotE164`] unless it is a plus and 8 to 15 digits.
    ///
    /// ```
    /// use understanding::phone::PhoneNumber;
    /// assert!(PhoneNumber::from_e164("+79031234567").is_ok());
    /// assert!(PhoneNumber::from_e164("903").is_err());
    /// ```
    pub fn from_e164(number: &str) -> Result<PhoneNumber, PhoneError> {
        let digits = number.strip_prefix('+').ok_or(PhoneError::NotE164)?;
        let valid = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| PhoneNumber(number.to_string())).ok_or(PhoneError::NotE164)
    }

    /// The number in E.164: `+79031234567`.
    pub fn e164(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Personal data: only the last two digits are shown.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber(…{})", &self.0[self.0.len() - 2..])
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneError;

    fn try_from(number: String) -> Result<PhoneNumber, PhoneError> {
        PhoneNumber::from_e164(&number)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> String {
        number.0
    }
}

/// Finds the telephone number in `text`.
///
/// ```
/// use understanding::phone::parse;
/// let said = parse("восемь девятьсот сорок два, триста, двадцать один, ой нет, двадцать два, пятнадцать");
/// assert_eq!(said.map(|n| n.to_string()).as_deref(), Some("+79423002215"));
/// assert_eq!(parse("8 (903) 123-45-67").map(|n| n.to_string()).as_deref(), Some("+79031234567"));
/// assert_eq!(parse("мне пять лет"), None);
/// ```
pub fn parse(text: &str) -> Option<PhoneNumber> {
    let runs = runs(&tokens(text));
    let all = runs.concat();
    let once = || runs.iter().rev().find_map(|run| whole(&without_echo(run)));
    runs.iter().rev().find_map(|run| whole(run)).or_else(|| whole(&all)).or_else(|| from_trunk(&all)).or_else(once)
}

/// «девятьсот пятьдесят девять, да, девятьсот пятьдесят девять»: a group said twice in a row, once.
fn without_echo(run: &[Atom]) -> Vec<Atom> {
    let mut out: Vec<Atom> = Vec::new();
    for group in run.chunk_by(|_, next| !next.apart) {
        let digits = |atoms: &[Atom]| atoms.iter().map(|atom| atom.digits.clone()).collect::<Vec<_>>();
        let before = out.len().saturating_sub(group.len());
        if digits(&out[before..]) != digits(group) {
            out.extend_from_slice(group);
        }
    }
    out
}

/// «на конце сорок сорок, а целиком восемь девятьсот …»: «один телефон на всех: девятьсот …»: figures may lead up to the
/// number, which begins with a mobile code, or with 8 or 7 and one.
fn from_trunk(atoms: &[Atom]) -> Option<PhoneNumber> {
    let begins = |at: &usize| {
        let mobile = |at: usize| atoms[at].value >= 900 && atoms[at].digits.len() == 3;
        mobile(*at) || matches!(atoms[*at].digits.as_str(), "8" | "7") && mobile(at + 1)
    };
    (1..atoms.len().saturating_sub(1)).filter(begins).find_map(|at| whole(&atoms[at..]))
}

/// The number as the evaluation files write it.
///
/// ```
/// use understanding::phone::{parse, to_json};
/// assert_eq!(to_json(parse("89031234567").as_ref()), serde_json::json!({"phone": "+79031234567"}));
/// ```
pub fn to_json(number: Option<&PhoneNumber>) -> Value {
    json!({ "phone": number.map(PhoneNumber::e164) })
}

/// The smallest piece of a dictated number: one number word, or figures as written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Atom {
    digits: String,
    /// The value of a word or of short figures; what it may run together with depends on it.
    value: u32,
    word: bool,
    /// A comma or a correction stood before it: it starts a new group, as a rule.
    apart: bool,
    plus: bool,
}

/// The likeliest way to run the pieces together («четыреста двенадцать»: 412 or 400 12) that makes a number.
fn whole(atoms: &[Atom]) -> Option<PhoneNumber> {
    let plus = atoms.first().is_some_and(|a| a.plus);
    let mut readings = vec![(0, String::new(), None)];
    for atom in atoms {
        let mut next: Vec<(u32, String, Option<u32>)> = Vec::new();
        for (cost, digits, open) in &readings {
            let together = open.and_then(|open| run_together(open, atom.value));
            if let Some(value) = together {
                let kept = digits.len() - atom_length(open.unwrap_or(0));
                let slip = u32::from(atom.apart);
                next.push((cost + slip, format!("{}{value}", &digits[..kept]), Some(value)));
            }
            // People pause between hundreds and a pair, not between tens and a unit.
            let split = match together {
                Some(_) if !atom.apart => {
                    let tens = atom.value < 10 && open.is_some_and(|o| o % 100 != 0);
                    // The code is said in one breath.
                    let code = digits.len() <= 4;
                    if tens || code { 2 } else { 1 }
                }
                _ => 0,
            };
            let open = atom.word.then_some(atom.value);
            next.push((cost + split, format!("{digits}{}", atom.digits), open));
        }
        next.retain(|(_, digits, _)| digits.len() <= 15);
        next.sort_by_key(|(cost, ..)| *cost);
        next.truncate(256);
        readings = next;
    }
    let numbers = readings.iter().filter(|(cost, ..)| *cost <= 2);
    let mut numbers = numbers.filter_map(|(cost, digits, _)| Some((*cost, national(digits, plus)?)));
    let (least, first) = numbers.next()?;
    // Two equally forced readings: a digit has been lost, and guessing would ring up a stranger.
    let other = numbers.take_while(|(cost, _)| *cost == least).any(|(_, number)| number != first);
    (least == 0 || !other).then_some(first)
}

fn atom_length(value: u32) -> usize {
    value.to_string().len()
}

/// Hundreds with what is below, tens with units.
fn run_together(open: u32, next: u32) -> Option<u32> {
    let hundreds = open >= 100 && open.is_multiple_of(100) && (1..100).contains(&next);
    let tens = open % 100 >= 20 && open.is_multiple_of(10) && (1..10).contains(&next);
    (hundreds || tens).then_some(open + next)
}

/// Ten digits are a number without its country, eleven one with 7 or the trunk 8.
fn national(digits: &str, plus: bool) -> Option<PhoneNumber> {
    let national = match digits.len() {
        10 if !plus => digits,
        11 if digits.starts_with('7') || digits.starts_with('8') && !plus => &digits[1..],
        // «плюс семь восемь девятьсот …», a trunk 8 said after the country.
        12 if digits.starts_with("78") => &digits[2..],
        11..=15 if plus && !digits.starts_with('7') => return PhoneNumber::from_e164(&format!("+{digits}")).ok(),
        _ => return None,
    };
    // Russian area and mobile codes begin with 3, 4, 8 or 9 (Kazakhstan, same country code: 6, 7).
    // No code begins with 89 or 79: that is a trunk prefix and a digit has been lost.
    let code = !national.starts_with(['0', '1', '2']) && !national.starts_with("89") && !national.starts_with("79");
    code.then_some(())?;
    PhoneNumber::from_e164(&format!("+7{national}")).ok()
}

/// Rows of pieces; words that are no part of a number end a row, a few in between do not.
fn runs(tokens: &[Token]) -> Vec<Vec<Atom>> {
    let mut runs: Vec<Vec<Atom>> = vec![Vec::new()];
    let (mut plus, mut apart, mut correcting) = (false, false, false);
    let mut times: Option<usize> = None;
    let mut strangers = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        // «по одной цифре»
        if matches!(token.text.as_str(), "одной" | "одну")
            && tokens.get(at + 1).is_some_and(|next| next.text.starts_with("цифр"))
        {
            at += 2;
            continue;
        }
        if let Some((mut atoms, taken)) = atoms_at(tokens, at) {
            if let (Some(n), [one]) = (times.take(), atoms.as_mut_slice())
                && one.digits.len() <= 2
            {
                (one.digits, one.value) = (one.digits.repeat(n), 0);
            }
            if correcting {
                correct(last(&mut runs), &atoms);
            }
            if let Some(first) = atoms.first_mut() {
                first.plus = plus;
                first.apart = apart || correcting;
            }
            last(&mut runs).extend(atoms);
            (plus, apart, correcting, strangers) = (false, false, false, 0);
            at += taken;
            continue;
        }
        at += 1;
        if token.kind == TokenKind::Mark {
            plus |= token.is("+");
            apart |= !token.is("-");
            continue;
        }
        match token.text.as_str() {
            "плюс" => plus = true,
            "дубль" | "дважды" | "пара" | "пару" | "двойная" | "двойной" => {
                times = Some(2)
            }
            "трижды" | "тройная" | "тройной" => times = Some(3),
            "ой"
            | "тьфу"
            | "нет"
            | "вернее"
            | "точнее"
            | "ошиблась"
            | "ошибся"
            | "исправлюсь"
            | "поправка"
            | "простите"
            | "извините"
            | "есть"
            | "оговорилась"
            | "оговорился"
            | "перепутала"
            | "перепутал"
            | "стоп"
            | "вру"
            | "соврала"
            | "соврал"
            | "неправильно"
            | "неверно"
            | "сбилась"
            | "сбился"
            | "ошибаюсь" => correcting |= !last(&mut runs).is_empty(),
            // «семьдесят три, не семьдесят четыре»; «не семьдесят три, а семьдесят четыре»
            "не" if atoms_at(tokens, at).is_some() => {
                correcting = !last(&mut runs).is_empty();
                let denied = atoms_at(tokens, at).map_or(0, |(_, taken)| taken);
                let after = (at + denied..tokens.len()).find(|n| tokens[*n].kind != TokenKind::Mark);
                if let Some(but) = after.filter(|n| tokens[*n].is("а")) {
                    let said = atoms_at(tokens, at).map_or_else(Vec::new, |(atoms, _)| atoms);
                    correcting = ends_with(last(&mut runs), &said);
                    at = but + 1;
                }
            }
            "сначала" | "заново" | "снова" => runs.push(Vec::new()),
            word if listed(FILLERS, word) => {}
            _ => {
                strangers += 1;
                // What follows a whole number is something else («звоните после шести»).
                if whole(last(&mut runs)).is_some() {
                    runs.push(Vec::new());
                }
                if strangers > 2 && !last(&mut runs).is_empty() {
                    runs.push(Vec::new());
                    correcting = false;
                }
            }
        }
    }
    runs
}

const FILLERS: &str = "ну э эм мм так там и а это потом дальше далее затем то вот не тире пробел код номер мой ага да пишите \
    записывайте значит ээ скобка минус через телефон после этого наш запишите последние остальное в конце начале";

fn last(runs: &mut Vec<Vec<Atom>>) -> &mut Vec<Atom> {
    if runs.is_empty() {
        runs.push(Vec::new());
    }
    let nth = runs.len() - 1;
    &mut runs[nth]
}

fn ends_with(run: &[Atom], said: &[Atom]) -> bool {
    let digits = |atoms: &[Atom]| atoms.iter().map(|atom| atom.digits.clone()).collect::<String>();
    digits(run).ends_with(&digits(said))
}

/// Takes back what the new pieces replace: as many pieces of the same shape, or else the last group.
fn correct(run: &mut Vec<Atom>, new: &[Atom]) {
    let same_shape = |(old, new): (&Atom, &Atom)| old.digits.len() == new.digits.len();
    if run.len() >= new.len() && run[run.len() - new.len()..].iter().zip(new).all(same_shape) {
        run.truncate(run.len() - new.len());
        return;
    }
    while let Some(gone) = run.pop() {
        let goes_on = run.last().is_some_and(|before| !gone.apart && run_together(before.value, gone.value).is_some());
        if !goes_on {
            return;
        }
    }
}

/// The pieces said at `at`: figures, one group of number words («девятьсот три»), «три пятёрки», «пять раз по два».
fn atoms_at(tokens: &[Token], at: usize) -> Option<(Vec<Atom>, usize)> {
    let token = tokens.get(at)?;
    let piece = |digits: String, value: u32, word: bool| Atom { digits, value, word, apart: false, plus: false };
    if token.kind == TokenKind::Number {
        let value = if token.text.len() <= 3 { token.text.parse().unwrap_or(0) } else { 0 };
        return Some((vec![piece(token.text.clone(), value, false)], 1));
    }
    if let Some(digit) = named_digit(&token.text) {
        return Some((vec![piece(digit.into(), 0, false)], 1));
    }
    let word = |at: usize| {
        let token = tokens.get(at).filter(|t| t.kind == TokenKind::Word)?;
        number::word(&token.text).or_else(|| number::by_sound(&token.text)).map(|w| w.value).filter(|v| *v < 1000)
    };
    let first = word(at)?;
    let text_at = |at: usize| tokens.get(at).map_or("", |t| t.text.as_str());
    // «две пятёрки», «три нуля», «два раза по пять»
    if (2..=4).contains(&first) {
        if let Some(digit) = named_digit(text_at(at + 1)) {
            return Some((vec![piece(digit.repeat(first as usize), 0, false)], 2));
        }
        if matches!(text_at(at + 1), "раза") {
            let skip = usize::from(text_at(at + 2) == "по");
            if let Some(value) = word(at + 2 + skip) {
                return Some((vec![piece(value.to_string().repeat(first as usize), 0, false)], 3 + skip));
            }
        }
    }
    let mut atoms = vec![piece(first.to_string(), first, true)];
    // «ноль семь» is a pair in one breath.
    if first == 0
        && let Some(unit) = word(at + 1).filter(|unit| (1..10).contains(unit))
    {
        atoms.push(piece(unit.to_string(), unit, true));
        return Some((atoms, 2));
    }
    let mut open = first;
    while let Some((next, together)) = word(at + atoms.len()).and_then(|next| Some((next, run_together(open, next)?))) {
        atoms.push(piece(next.to_string(), next, true));
        open = together;
    }
    let taken = atoms.len();
    Some((atoms, taken))
}

/// «пятёрка», «пятёрки», «нолик»: digits by name.
fn named_digit(word: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("0", "нолик нолика ноликов нули нуля нулей ноля нолей нулик"),
        ("1", "единица единицы единиц единичка единички единичек"),
        ("2", "двойка двойки двоек двоечка двоечки"),
        ("3", "тройка тройки троек троечка троечки"),
        ("4", "четверка четверки четверок четверочка"),
        ("5", "пятерка пятерки пятерок пятерочка пятерочки"),
        ("6", "шестерка шестерки шестерок шестерочка"),
        ("7", "семерка семерки семерок семерочка"),
        ("8", "восьмерка восьмерки восьмерок восьмерочка"),
        ("9", "девятка девятки девяток девяточка"),
    ];
    NAMES
        .iter()
        .find(|(_, names)| names.split(' ').any(|n| n == word || n.len() > 12 && fuzzy::within(n, word, 1).is_some()))
        .map(|(digit, _)| *digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Option<String> {
        parse(text).map(|n| n.to_string())
    }

    #[test]
    fn debug_output_hides_the_number() {
        let number = PhoneNumber::from_e164("+79031234567").expect("E.164");
        assert_eq!(format!("{number:?}"), "PhoneNumber(…67)");
    }

    #[test]
    fn numbers_are_corrected_on_the_way() {
        for text in [
            "девятьсот пять пятьсот семь семьдесят три не семьдесят четыре девяносто один",
            "девятьсот пять пятьсот семь не семьдесят три, а семьдесят четыре, девяносто один",
            "девятьсот пять, пятьсот семь, семьдесят три, не семьдесят три, а семьдесят четыре, девяносто один",
            "девятьсот пять, да, девятьсот пять, пятьсот семь, семьдесят четыре, девяносто один",
            "девятьсот пять пятьсот восемь стоп пятьсот семь семьдесят четыре девяносто один",
            "восемь, девятьсот пять, пятьсот семь, семьдесят четыре, сорок, ой, вру, девяносто один",
        ] {
            assert_eq!(said(text).as_deref(), Some("+79055077491"), "{text}");
        }
        let zeros = "девятьсот пять, пятьсот семь, ноль восемь, нет-нет, ноль семь, сорок три";
        assert_eq!(said(zeros).as_deref(), Some("+79055070743"));
    }

    #[test]
    fn mixtures_of_figures_and_words() {
        assert_eq!(said("8 903 сто 23 45 67").as_deref(), Some("+79031234567"));
        assert_eq!(said("+7 (903) три пятёрки, дубль ноль, двенадцать").as_deref(), Some("+79035550012"));
    }

    proptest! {
        #[test]
        fn a_number_read_out_in_groups_is_understood(code in 900u32..=999, a in 100u32..=999, b in 0u32..=99, c in 0u32..=99) {
            let pair = |n: u32| if n < 10 { format!("ноль {}", number::to_words(u64::from(n))) } else { number::to_words(u64::from(n)) };
            let text = format!("восемь {} {} {} {}", number::to_words(code.into()), number::to_words(a.into()), pair(b), pair(c));
            // Round hundreds swallow a following unit or pair: people pause there, so the text would carry a comma.
            prop_assume!(code % 100 != 0 && a % 100 != 0 && code % 10 != 0 && a % 10 != 0);
            let expected = format!("+7{code}{a}{b:02}{c:02}");
            prop_assume!(b % 10 != 0 || b == 0 || c >= 10 || c == 0);
            prop_assert_eq!(said(&text), Some(expected));
        }
    }
}
