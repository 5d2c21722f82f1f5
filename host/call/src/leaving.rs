//! The ways out of a call: a transfer, a failed flow, a hang-up by either side. Each is bounded in time.

use crate::call::Call;
use crate::config::TooLong;
use crate::input::TransferResult;
use crate::output::{EndReason, Event, FailReason, Output, Prompt, Reply, SystemPrompt};
use crate::state::Phase;
use crate::time::{Millis, Token};

/// How far a failing call has come. The steps follow each other whatever goes wrong in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// "I am putting you through."
    Announcing,
    /// A person is being called.
    Transferring { token: Token, until: Millis },
    /// "We will call you back"; it is written down already.
    Promising,
    /// "Goodbye": the call was too long, and the clinic does not want it handed over.
    Farewell,
}

impl Call {
    pub(crate) fn transfer(&mut self, to: String, summary: String) {
        let (token, until) = self.call_person(to, summary);
        self.enter(Phase::HandingOver { token, until });
    }

    fn call_person(&mut self, to: String, summary: String) -> (Token, Millis) {
        let token = self.out.token();
        self.out.push(Output::Transfer { token, to, summary });
        (token, self.now + self.config.transfer_timeout_ms)
    }

    pub(crate) fn on_transfer_result(&mut self, token: Token, result: TransferResult) {
        match self.phase {
            Phase::HandingOver { token: wanted, .. } if token == wanted => {
                let connected = result == TransferResult::Connected;
                self.reply(Reply::Transferred(result));
                if connected {
                    self.caller_is_with_a_person();
                }
            }
            Phase::Failing(Step::Transferring { token: wanted, .. }) if token == wanted => match result {
                TransferResult::Connected => self.caller_is_with_a_person(),
                TransferResult::Nobody | TransferResult::Refused(_) => self.promise_callback(),
            },
            _ => {}
        }
    }

    pub(crate) fn transfer_is_late(&mut self) {
        match self.phase {
            Phase::HandingOver { token, .. } => {
                self.out.push(Output::CancelTransfer { token });
                self.reply(Reply::Transferred(TransferResult::Nobody));
            }
            Phase::Failing(Step::Transferring { token, .. }) => {
                self.out.push(Output::CancelTransfer { token });
                self.promise_callback();
            }
            _ => {}
        }
    }

    fn caller_is_with_a_person(&mut self) {
        self.sound.stop(&self.config, self.now, &mut self.out);
        self.close(EndReason::Transferred, self.config.flow_grace_ms);
    }

    /// The flow is out of the game. The caller hears so and goes to a person.
    pub(crate) fn fail(&mut self, why: FailReason) {
        self.out.event(Event::Failing { why, at: self.now });
        self.release_flow();
        self.turn = None;
        if let Phase::HandingOver { token, until } = self.phase {
            // A person is being called already: that is where the caller would go.
            return self.enter(Phase::Failing(Step::Transferring { token, until }));
        }
        self.sound.stop(&self.config, self.now, &mut self.out);
        if why == FailReason::CallTooLong && self.config.too_long == TooLong::Goodbye {
            self.step(Step::Farewell, SystemPrompt::Goodbye);
        } else {
            self.step(Step::Announcing, SystemPrompt::HandingOver);
        }
    }

    /// A person wants the caller: the flow is out of the game, and the caller hears that they are put through.
    pub(crate) fn on_take_over(&mut self, to: String, summary: String) {
        if !self.state().has_flow() {
            return;
        }
        if let Phase::HandingOver { token, .. } = self.phase {
            self.out.push(Output::CancelTransfer { token });
        }
        self.release_flow();
        self.turn = None;
        self.config.operator = to;
        self.config.failure_summary = summary;
        self.sound.stop(&self.config, self.now, &mut self.out);
        self.step(Step::Announcing, SystemPrompt::HandingOver);
    }

    fn step(&mut self, step: Step, prompt: SystemPrompt) {
        self.enter(Phase::Failing(step));
        self.sound.play(Prompt::System(prompt), self.now, &mut self.out);
    }

    /// The prompt of a step was played, or could not be: on to the next.
    pub(crate) fn after_step(&mut self, step: Step) {
        match step {
            Step::Announcing => {
                let (to, summary) = (self.config.operator.clone(), self.config.failure_summary.clone());
                let (token, until) = self.call_person(to, summary);
                self.enter(Phase::Failing(Step::Transferring { token, until }));
            }
            Step::Transferring { .. } => {}
            Step::Promising => self.close(EndReason::CallBackTaken, self.config.hang_up_grace_ms),
            Step::Farewell => self.close(EndReason::TooLong, self.config.hang_up_grace_ms),
        }
    }

    fn promise_callback(&mut self) {
        self.take_callback();
        self.step(Step::Promising, SystemPrompt::WillCallBack);
    }

    fn take_callback(&mut self) {
        if !std::mem::replace(&mut self.callback_taken, true) {
            self.out.push(Output::TakeCallback);
        }
    }

    pub(crate) fn on_caller_hung_up(&mut self) {
        match self.phase {
            Phase::HandingOver { token, .. } => self.out.push(Output::CancelTransfer { token }),
            Phase::Failing(step) => {
                if let Step::Transferring { token, .. } = step {
                    self.out.push(Output::CancelTransfer { token });
                }
                // They left because we failed: that is a lost contact unless somebody calls back.
                if step != Step::Farewell {
                    self.take_callback();
                }
            }
            _ => {}
        }
        self.sound.stop(&self.config, self.now, &mut self.out);
        self.kept.clear();
        self.ears.reset();
        if !matches!(self.phase, Phase::Closing { .. }) {
            self.close(EndReason::CallerHungUp, self.config.flow_grace_ms);
        }
    }

    /// Nothing is said any more; the flow has `grace_ms` to end.
    pub(crate) fn close(&mut self, reason: EndReason, grace_ms: u64) {
        self.release_flow();
        self.ears.reset();
        self.sound.stop_unheard(&self.config, self.now, &mut self.out);
        self.enter(Phase::Closing { reason, until: self.now + grace_ms });
    }

    /// Ends a closing call once the flow is over, or its time, and the caller has heard the notice that plays.
    pub(crate) fn end_if_closed(&mut self) {
        let Phase::Closing { reason, until } = self.phase else { return };
        if (self.flow_ended || self.now >= until) && self.sound.idle() {
            self.enter(Phase::Ended);
            self.out.push(Output::Ended(reason));
        }
    }
}
