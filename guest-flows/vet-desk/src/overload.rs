//! All lines are busy: the caller may be called back instead of waiting, or be helped by the robot right away.

use gudok_flow::routing::{self, Destination};
use gudok_flow::understanding::{self, IntentKind, YesNo};
use gudok_flow::{Answer, AnswerKind, Question, Stop, say};

use crate::desk::Desk;
use crate::handover;

/// Offers the call-back. What the caller said instead, when it is a request; nothing when they would rather go on.
pub fn offer(desk: &Desk) -> Result<Option<String>, Stop> {
    let wait =
        routing::queue(&Destination::Operator).ok().filter(|queue| queue.open).map_or(0, |queue| queue.expected_wait_s);
    say(&busy(wait))?;
    let text = "Нажмите один или скажите «да», и мы перезвоним вам сами. Или скажите, чем помочь.";
    match Question::new("callback-offer", text).expects(AnswerKind::Free).ask()? {
        Answer::Digits(keys) if keys == "1" => Err(handover::call_back(desk, "все линии были заняты")?),
        Answer::Digits(keys) if keys == "0" => Err(handover::to_person(desk, "нажал ноль")?),
        Answer::Digits(_) | Answer::Silence => Ok(None),
        Answer::Speech(heard) => {
            desk.interrupt(&heard.text)?;
            match meant(&heard.text) {
                Meant::CallBack => Err(handover::call_back(desk, "все линии были заняты")?),
                Meant::Stay => Ok(None),
                Meant::Request => Ok(Some(heard.text)),
            }
        }
    }
}

enum Meant {
    CallBack,
    Stay,
    Request,
}

fn meant(text: &str) -> Meant {
    let request = !matches!(understanding::parse_intent(text).kind, IntentKind::Unknown);
    match understanding::parse_yes_no(text) {
        YesNo::No if !request => Meant::Stay,
        YesNo::Yes if !request => Meant::CallBack,
        YesNo::Yes | YesNo::Unknown if text.to_lowercase().contains("перезвон") => Meant::CallBack,
        _ => Meant::Request,
    }
}

/// «Сейчас все линии заняты, ждать примерно 4 минуты.»
fn busy(wait_s: u32) -> String {
    let minutes = wait_s.div_ceil(60);
    let word = match (minutes % 10, minutes % 100) {
        (1, tens) if tens != 11 => "минуту",
        (2..=4, tens) if !(12..=14).contains(&tens) => "минуты",
        _ => "минут",
    };
    match minutes {
        0 => "Сейчас все линии заняты.".into(),
        minutes => format!("Сейчас все линии заняты, ждать примерно {minutes} {word}."),
    }
}

#[cfg(test)]
mod tests {
    use super::busy;

    #[test]
    fn the_wait_is_told_in_whole_minutes_or_not_at_all() {
        assert_eq!(busy(0), "Сейчас все линии заняты.");
        assert_eq!(busy(50), "Сейчас все линии заняты, ждать примерно 1 минуту.");
        assert_eq!(busy(181), "Сейчас все линии заняты, ждать примерно 4 минуты.");
        assert_eq!(busy(660), "Сейчас все линии заняты, ждать примерно 11 минут.");
    }
}
