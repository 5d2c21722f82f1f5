//! A caller who follows a script: which of its lines answers which question.

use crate::script::{Act, Line, Script};

/// A caller who has nothing more to say waits through so many questions, then hangs up.
const PATIENCE: u32 = 3;

/// The state of one scripted caller.
#[derive(Debug)]
pub struct Caller {
    lines: Vec<(Line, bool)>,
    last: Option<(String, usize)>,
    speechless: u32,
}

impl Caller {
    /// A caller at the start of a call.
    pub fn new(script: &Script) -> Self {
        Caller { lines: script.lines.iter().cloned().map(|line| (line, false)).collect(), last: None, speechless: 0 }
    }

    /// What the caller does when asked `question`.
    ///
    /// A line written for this question comes first, then the next line written for any. When the question that was
    /// just answered comes again, the caller says it in other words (`again`), as people do, or once more. A caller who
    /// has nothing left to say is silent, and in the end hangs up.
    pub fn answer(&mut self, question: &str) -> Act {
        if let Some((asked, index)) = self.last.clone()
            && asked == question
            && !self.lines.iter().any(|(line, used)| !used && line.when.as_deref() == Some(question))
        {
            let line = &self.lines[index].0;
            if line.when.is_some() {
                return match &line.again {
                    Some(again) => Act::Say(again.clone()),
                    None => line.act.clone(),
                };
            }
        }
        let next = self
            .lines
            .iter()
            .position(|(line, used)| !used && line.when.as_deref() == Some(question))
            .or_else(|| self.lines.iter().position(|(line, used)| !used && line.when.is_none()));
        match next {
            Some(index) => {
                self.lines[index].1 = true;
                self.last = Some((question.to_string(), index));
                self.lines[index].0.act.clone()
            }
            None if self.speechless == PATIENCE => Act::HangUp,
            None => {
                self.speechless += 1;
                Act::Silence
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(text: &str) -> Caller {
        Caller::new(&Script::toml(text, "test").unwrap())
    }

    #[test]
    fn lines_follow_the_questions() {
        let mut caller = caller("[[line]]\nwhen='phone'\nsay='номер'\n[[line]]\nsay='первое'\n[[line]]\nsay='второе'");
        assert_eq!(caller.answer("need"), Act::Say("первое".into()));
        assert_eq!(caller.answer("phone"), Act::Say("номер".into()));
        assert_eq!(caller.answer("need"), Act::Say("второе".into()));
        let rest: Vec<Act> = (0..5).map(|_| caller.answer("need")).collect();
        assert_eq!(rest, [Act::Silence, Act::Silence, Act::Silence, Act::HangUp, Act::HangUp]);
    }

    #[test]
    fn a_repeated_question_is_answered_in_other_words() {
        let mut caller =
            caller("[[line]]\nwhen='name'\nsay='Анна'\nagain='Меня зовут Анна'\n[[line]]\nwhen='x'\nhang_up=true");
        assert_eq!(caller.answer("name"), Act::Say("Анна".into()));
        assert_eq!(caller.answer("name"), Act::Say("Меня зовут Анна".into()));
        assert_eq!(caller.answer("x"), Act::HangUp);
    }
}
