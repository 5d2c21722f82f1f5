//! The recording notice: said by the host, whatever the flow does, before anything of the call is kept.
//!
//! A pure little machine between the flow and the call core. It has the notice said after the first words of a flow that
//! greets, and before the first question or hand-over of one that does not; nothing stops it, and what the caller says
//! meanwhile is kept for the next question. A flow sees nothing of it: each of its commands has one reply. Whether the
//! notice was really heard is told by the line ([`Notice::heard`]), and only then does a recording begin.

use call::{BargeIn, Command, Prompt, Reply, SystemPrompt, Token};

/// The notice of one call.
#[derive(Debug)]
pub(crate) struct Notice {
    text: String,
    step: Step,
    /// The playback it is a part of.
    token: Option<Token>,
}

#[derive(Debug)]
enum Step {
    /// The call is not recorded.
    NotNeeded,
    /// It has to be said.
    Due,
    /// The flow's first words are being said; it comes right after them.
    AfterWords,
    /// It is being said. What comes then.
    Saying(Then),
    /// It was said.
    Said,
}

#[derive(Debug)]
enum Then {
    /// The flow is told what became of its first words.
    Reply(Reply),
    /// The core is told what the flow wants.
    Command(Command),
}

/// What a reply of the core is followed by.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// It is the flow's.
    Reply(Reply),
    /// The core has more to do before the flow is answered.
    Command(Command),
}

impl Notice {
    /// Of a call that is recorded, or not. `text` is the clinic's.
    pub(crate) fn new(text: &str, recorded: bool) -> Notice {
        Notice { text: text.to_owned(), step: if recorded { Step::Due } else { Step::NotNeeded }, token: None }
    }

    /// The call is not recorded after all.
    pub(crate) fn not_needed(&mut self) {
        self.step = Step::NotNeeded;
    }

    /// The flow wants something: what the core is told to do first.
    pub(crate) fn before(&mut self, command: Command) -> Command {
        if !matches!(self.step, Step::Due) {
            return command;
        }
        match command {
            Command::Say { .. } | Command::Play { .. } => {
                self.step = Step::AfterWords;
                command
            }
            Command::Ask(_) | Command::Transfer { .. } => {
                self.step = Step::Saying(Then::Command(command));
                self.say()
            }
            Command::HangUp => command,
        }
    }

    /// The core answered a command.
    pub(crate) fn after(&mut self, reply: Reply) -> Next {
        match std::mem::replace(&mut self.step, Step::Due) {
            Step::AfterWords | Step::Saying(_) if reply == Reply::HungUp => Next::Reply(reply),
            Step::AfterWords => {
                self.step = Step::Saying(Then::Reply(reply));
                Next::Command(self.say())
            }
            Step::Saying(then) => {
                // Where the voice failed it is said with the next chance.
                if matches!(reply, Reply::Said(_)) {
                    self.step = Step::Said;
                }
                match then {
                    Then::Reply(of_the_flow) => Next::Reply(of_the_flow),
                    Then::Command(of_the_flow) => Next::Command(of_the_flow),
                }
            }
            step @ (Step::NotNeeded | Step::Due | Step::Said) => {
                self.step = step;
                Next::Reply(reply)
            }
        }
    }

    /// What the house says by itself when it takes over from the flow: the notice is a part of it, where it is due.
    pub(crate) fn with(&self, prompt: SystemPrompt, text: &str) -> String {
        if prompt == SystemPrompt::HandingOver && self.is_due() {
            format!("{} {text}", self.text)
        } else {
            text.to_owned()
        }
    }

    /// A prompt begins to be played.
    pub(crate) fn plays(&mut self, token: Token, what: &Prompt) {
        let carried = match what {
            Prompt::Text(text) => matches!(self.step, Step::Saying(_)) && *text == self.text,
            Prompt::System(SystemPrompt::HandingOver) => self.is_due(),
            Prompt::System(_) | Prompt::Recorded(_) => false,
        };
        if carried {
            self.token = Some(token);
        }
    }

    /// A prompt was played to its end, all of it. True if that was the notice.
    pub(crate) fn heard(&mut self, token: Token) -> bool {
        let heard = self.token == Some(token);
        if heard && !matches!(self.step, Step::Saying(_)) {
            self.step = Step::Said;
        }
        heard
    }

    fn is_due(&self) -> bool {
        !matches!(self.step, Step::NotNeeded | Step::Said)
    }

    fn say(&self) -> Command {
        Command::Say { text: self.text.clone(), barge_in: BargeIn::Kept }
    }
}

#[cfg(test)]
mod tests {
    use call::{Question, Said};

    use super::*;

    const TEXT: &str = "Мы всё пишем.";

    fn words() -> Command {
        Command::Say { text: "Здравствуйте!".into(), barge_in: BargeIn::Speech }
    }

    fn notice() -> Command {
        Command::Say { text: TEXT.into(), barge_in: BargeIn::Kept }
    }

    fn transfer() -> Command {
        Command::Transfer { to: "operator".into(), summary: "кошка".into() }
    }

    #[test]
    fn it_follows_a_greeting_even_one_that_was_interrupted() {
        let mut told = Notice::new(TEXT, true);
        assert_eq!(told.before(words()), words());
        assert_eq!(told.after(Reply::Said(Said::Interrupted)), Next::Command(notice()));
        assert_eq!(told.after(Reply::Said(Said::Complete)), Next::Reply(Reply::Said(Said::Interrupted)));
        assert_eq!(told.before(transfer()), transfer());
        assert_eq!(told.after(Reply::Said(Said::Complete)), Next::Reply(Reply::Said(Said::Complete)));
    }

    #[test]
    fn it_goes_before_a_question_and_before_a_hand_over() {
        for command in [Command::Ask(Question::default()), transfer()] {
            let mut told = Notice::new(TEXT, true);
            assert_eq!(told.before(command.clone()), notice());
            assert_eq!(told.after(Reply::Said(Said::Complete)), Next::Command(command));
        }
        // Nobody is kept on the line for it, and nothing is kept of such a call.
        assert_eq!(Notice::new(TEXT, true).before(Command::HangUp), Command::HangUp);
    }

    #[test]
    fn a_notice_that_could_not_be_said_is_said_with_the_next_chance() {
        let mut told = Notice::new(TEXT, true);
        assert_eq!(told.before(transfer()), notice());
        assert_eq!(told.after(Reply::VoiceFailed), Next::Command(transfer()));
        assert!(matches!(told.before(transfer()), Command::Say { .. }));
        // The caller, or the flow, is gone meanwhile.
        assert_eq!(told.after(Reply::HungUp), Next::Reply(Reply::HungUp));
        assert!(told.with(SystemPrompt::HandingOver, "Соединяю.").starts_with(TEXT));
        assert_eq!(told.with(SystemPrompt::PleaseHold, "Минуту."), "Минуту.");
    }

    #[test]
    fn only_what_was_played_counts_and_only_the_notice() {
        let mut told = Notice::new(TEXT, true);
        let played = Prompt::Text(TEXT.into());
        // The same words of a flow are not the host's.
        assert_eq!(told.before(notice()), notice());
        told.plays(Token(1), &played);
        assert!(!told.heard(Token(1)));
        assert_eq!(told.after(Reply::Said(Said::Complete)), Next::Command(notice()));
        told.plays(Token(2), &played);
        assert!(!told.heard(Token(1)) && told.heard(Token(2)));
    }

    #[test]
    fn a_call_without_a_recording_has_no_notice() {
        let mut told = Notice::new(TEXT, false);
        assert_eq!(told.before(transfer()), transfer());
        assert_eq!(told.with(SystemPrompt::HandingOver, "Соединяю."), "Соединяю.");
        let mut late = Notice::new(TEXT, true);
        late.not_needed();
        assert_eq!(late.before(words()), words());
        assert_eq!(late.after(Reply::Said(Said::Complete)), Next::Reply(Reply::Said(Said::Complete)));
    }
}
