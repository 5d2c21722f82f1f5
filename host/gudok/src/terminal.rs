//! A call as it shows on the terminal: who, what was said, what was understood, how long the caller waited.

use std::io::IsTerminal;

use call::Millis;
use records::Outcome;
use session::{Held, Trace};
use tokio::sync::mpsc::UnboundedReceiver;
use understanding::category::{CallText, Evidence, Taxonomy};

/// Colours, if this is a terminal.
pub struct Paint {
    on: bool,
}

impl Paint {
    /// For standard output.
    pub fn stdout() -> Paint {
        Paint { on: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    fn code(&self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn bold(&self, text: &str) -> String {
        self.code("1", text)
    }

    pub fn dim(&self, text: &str) -> String {
        self.code("2", text)
    }

    pub fn green(&self, text: &str) -> String {
        self.code("32", text)
    }

    pub fn cyan(&self, text: &str) -> String {
        self.code("36", text)
    }

    /// Words to look at; in brackets where there are no colours.
    pub fn marked(&self, text: &str) -> String {
        if self.on { self.code("1;33", text) } else { format!("[{text}]") }
    }

    pub fn yellow(&self, text: &str) -> String {
        self.code("33", text)
    }
}

/// Print a call's traces until it is over.
pub async fn watch(mut traces: UnboundedReceiver<Trace>) {
    let paint = Paint::stdout();
    let mut last = None;
    while let Some(trace) = traces.recv().await {
        // A flow may ask twice what the same words mean.
        let repeated = matches!(trace, Trace::Understood { .. }) && last.as_ref() == Some(&trace);
        if let Some(line) = line(&paint, &trace).filter(|_| !repeated) {
            println!("{line}");
        }
        last = Some(trace);
    }
}

fn line(paint: &Paint, trace: &Trace) -> Option<String> {
    Some(match trace {
        Trace::Robot { at, text } => format!("  {} {} {text}", paint.dim(&clock(*at)), paint.cyan("робот   ")),
        Trace::Caller { at, text, confidence } => {
            let sure = confidence.map_or_else(String::new, |sure| paint.dim(&format!("  {:.0} %", sure * 100.0)));
            format!("  {} {} {text}{sure}", paint.dim(&clock(*at)), paint.green("звонящий"))
        }
        Trace::Keys { at, keys } => format!("  {} {} [{keys}]", paint.dim(&clock(*at)), paint.green("звонящий")),
        Trace::BargeIn { at } => format!("  {} {}", paint.dim(&clock(*at)), paint.dim("         (перебивает)")),
        Trace::Understood { what, meaning } => paint.dim(&format!("                   понято, {what}: {meaning}")),
        Trace::Did(what) => format!("                   {}", paint.bold(&format!("✓ {what}"))),
        // In a typed conversation nobody waits.
        Trace::Answered(turn) if turn.response_ms() == 0 => return None,
        Trace::Answered(turn) => paint.dim(&format!(
            "                   ответ через {} мс после конца речи: пауза {}, распознавание {}, остальное {}",
            turn.response_ms(),
            turn.pause_ms,
            turn.recognising_ms,
            turn.machine_ms.saturating_sub(turn.recognising_ms)
        )),
        Trace::Failing(why) => paint.yellow(&format!("                   ! передача человеку: {why:?}")),
        Trace::Ended(_) => return None,
    })
}

/// What came of a call, in one line.
pub fn summary(held: &Held) -> String {
    let paint = Paint::stdout();
    let outcome = held.outcome.map_or("—", outcome_name);
    let category = held.category.as_deref().map_or("—", category_name);
    let mut line =
        format!("  итог: {} · категория: {} · {}", paint.bold(outcome), paint.bold(category), {
            clock(Millis(held.duration_ms))
        });
    if let Some(worst) = held.turns.iter().map(call::Turn::response_ms).max().filter(|worst| *worst > 0) {
        let mut times: Vec<u64> = held.turns.iter().map(call::Turn::response_ms).collect();
        times.sort_unstable();
        line += &format!(" · ответ: медиана {} мс, наибольший {worst} мс", times[times.len() / 2]);
    }
    line
}

/// What came of a call, for people.
fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Booked => "записан",
        Outcome::Moved => "запись перенесена",
        Outcome::Cancelled => "запись отменена",
        Outcome::Answered => "ответ дан",
        Outcome::Transferred => "передан человеку",
        Outcome::Callback => "обещан звонок",
        Outcome::NotOffered => "услуги нет",
        Outcome::Nothing => "без результата",
    }
}

/// A category's title, for people.
pub fn category_name(id: &str) -> &str {
    Taxonomy::embedded().get(id).map_or(id, |category| category.title_ru.as_str())
}

/// `01:02.3`
pub fn clock(at: Millis) -> String {
    format!("{:02}:{:02}.{}", at.0 / 60_000, at.0 / 1_000 % 60, at.0 / 100 % 10)
}

/// A turn of a call in pieces: its text, and whether the piece is among the words that decided.
pub fn marked(call: &CallText, evidence: &[Evidence], turn: usize) -> Vec<(String, bool)> {
    let Some(said) = call.turns.get(turn) else { return Vec::new() };
    let before: usize =
        call.caller_turns().take_while(|(at, _)| *at < turn).map(|(_, turn)| turn.text.chars().count() + 1).sum();
    let is_marked = |at: usize| {
        evidence.iter().any(|found| found.turn == turn && (found.start..found.end).contains(&(before + at)))
    };
    let mut pieces: Vec<(String, bool)> = Vec::new();
    for (at, letter) in said.text.chars().enumerate() {
        let marked = is_marked(at);
        match pieces.last_mut() {
            Some(piece) if piece.1 == marked => piece.0.push(letter),
            _ => pieces.push((letter.to_string(), marked)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use understanding::category::{Turn, Who};

    use super::*;

    #[test]
    fn the_words_that_decided_are_found_in_their_turn() {
        let turn = |who, text: &str| Turn { who, text: text.to_owned(), start_ms: 0, end_ms: 0 };
        let turns = vec![turn(Who::Caller, "Алло"), turn(Who::Agent, "Да"), turn(Who::Caller, "вы мне звонили?")];
        let call = CallText { turns, missed_call: false };
        // In the caller's words alone: «Алло вы мне звонили?».
        let found = Evidence { start: 12, end: 19, turn: 2, text: "звонили".into(), weight: 1.0, seconds: None };
        let pieces = marked(&call, &[found], 2);
        assert_eq!(pieces, [("вы мне ".to_owned(), false), ("звонили".to_owned(), true), ("?".to_owned(), false)]);
        assert_eq!(marked(&call, &[], 0), [("Алло".to_owned(), false)]);
        assert!(marked(&call, &[], 7).is_empty());
    }
}
