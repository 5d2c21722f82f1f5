//! Two columns for a terminal, broken between words.

use std::fmt::Write;

use super::{Comparison, Language, Mark, Row, RowKind};
use crate::replay::Verdict;

/// Narrower than this two columns are of no use.
const NARROWEST: usize = 40;
/// The mark and the spaces around it.
const MARGIN: usize = 3;
const BETWEEN: &str = " │ ";

pub(super) fn to_text(comparison: &Comparison, width: usize) -> String {
    let language = comparison.language;
    let width = width.max(NARROWEST);
    let column = (width - MARGIN - BETWEEN.chars().count()) / 2;
    let mut text = String::new();
    let title = format!("{} {} · {}", call(language), comparison.call, verdict(comparison.verdict, language));
    for line in wrap(&title, width).into_iter().chain(wrap(&comparison.line, width)) {
        writeln!(text, "{line}").expect("invariant: a string takes all text");
    }
    text.push('\n');
    let (left, right) = heads(language);
    put(&mut text, ' ', left, right, column);
    let rule = format!("{}─┼─{}", "─".repeat(MARGIN + column), "─".repeat(column));
    writeln!(text, "{rule}").expect("invariant: a string takes all text");

    let mut rows = comparison.rows.as_slice();
    while let Some((row, rest)) = rows.split_first() {
        let alike = rows.iter().take_while(|row| dull(row)).count();
        if alike > 1 {
            put(&mut text, ' ', &look_ups(alike, language), same(language), column);
            rows = &rows[alike..];
            continue;
        }
        let left = row.left.as_ref().map_or("", |side| side.text.as_str());
        let right = row.right.as_ref().map_or("", |side| side.text.as_str());
        let right = if row.mark == Mark::Same && left == right { same(language) } else { right };
        put(&mut text, sign(row.mark), left, right, column);
        rows = rest;
    }
    legend(&mut text, comparison, width);
    text
}

/// Look-ups that did not change: nobody wants to read them.
fn dull(row: &Row) -> bool {
    row.mark == Mark::Same && row.kind == RowKind::Lookup
}

/// One row of the table, over as many lines as it takes.
fn put(text: &mut String, sign: char, left: &str, right: &str, column: usize) {
    let (left, right) = (wrap(left, column), wrap(right, column));
    for index in 0..left.len().max(right.len()) {
        let sign = if index == 0 { sign } else { ' ' };
        let side = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
        let (left, right) = (side(&left), side(&right));
        let padding = " ".repeat(column.saturating_sub(left.chars().count()));
        let line = format!(" {sign} {left}{padding}{BETWEEN}{right}");
        writeln!(text, "{}", line.trim_end()).expect("invariant: a string takes all text");
    }
}

/// Break between words; a word longer than the line is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().filter(|letter| !letter.is_control()).collect();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        used += word.len();
        line.extend(word);
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// What the signs in this table mean; only those that are in it.
fn legend(text: &mut String, comparison: &Comparison, width: usize) {
    let there = |mark: &Mark| comparison.rows.iter().any(|row| row.mark == *mark);
    let signs = [Mark::OtherWords, Mark::Moved, Mark::New, Mark::Missing, Mark::Effect, Mark::Trap, Mark::NotCompared];
    let meant: Vec<_> = signs
        .into_iter()
        .filter(there)
        .map(|mark| format!("{} {}", sign(mark), meaning(mark, comparison.language)))
        .collect();
    if !meant.is_empty() {
        text.push('\n');
        for line in wrap(&meant.join("; "), width) {
            writeln!(text, "{line}").expect("invariant: a string takes all text");
        }
    }
}

fn sign(mark: Mark) -> char {
    match mark {
        Mark::Same => ' ',
        Mark::OtherWords => '~',
        Mark::Moved => '↕',
        Mark::New => '+',
        Mark::Missing => '−',
        Mark::Effect => '!',
        Mark::Trap => '×',
        Mark::NotCompared => '·',
    }
}

fn meaning(mark: Mark, language: Language) -> &'static str {
    let (russian, english) = match mark {
        Mark::Same => ("так же", "the same"),
        Mark::OtherWords => ("другими словами", "in other words"),
        Mark::Moved => ("в другом порядке", "in another order"),
        Mark::New => ("новое", "new"),
        Mark::Missing => ("больше нет", "no longer there"),
        Mark::Effect => ("ДРУГОЕ ДЕЙСТВИЕ", "ANOTHER EFFECT"),
        Mark::Trap => ("СЛОМАЛСЯ", "BROKE"),
        Mark::NotCompared => ("не сравнивалось", "not compared"),
    };
    if language == Language::Russian { russian } else { english }
}

fn verdict(verdict: Verdict, language: Language) -> &'static str {
    let (russian, english) = match verdict {
        Verdict::Identical => ("так же", "the same"),
        Verdict::WordingOnly => ("другими словами", "in other words"),
        Verdict::ReadsReordered => ("справки в другом порядке", "look-ups in another order"),
        Verdict::NewQuestion => ("другие вопросы", "other questions"),
        Verdict::EffectChanged => ("ДРУГОЕ ДЕЙСТВИЕ", "ANOTHER EFFECT"),
        Verdict::Trapped => ("СЛОМАЛСЯ", "BROKE"),
    };
    if language == Language::Russian { russian } else { english }
}

fn call(language: Language) -> &'static str {
    if language == Language::Russian { "Звонок" } else { "Call" }
}

fn heads(language: Language) -> (&'static str, &'static str) {
    if language == Language::Russian {
        ("КАК БЫЛО", "НОВАЯ ВЕРСИЯ")
    } else {
        ("AS IT WAS", "NEW VERSION")
    }
}

fn same(language: Language) -> &'static str {
    meaning(Mark::Same, language)
}

fn look_ups(count: usize, language: Language) -> String {
    match language {
        Language::Russian => format!("… справки: {count}"),
        Language::English => format!("… look-ups: {count}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_never_run_over() {
        assert_eq!(wrap("раз два три", 7), ["раз два", "три"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("а непомерноедлинноеслово б", 8), ["а", "непомерн", "оедлинно", "еслово б"]);
        assert_eq!(wrap("\u{1b}[31mred", 20), ["[31mred"], "no control characters reach the terminal");
    }
}
