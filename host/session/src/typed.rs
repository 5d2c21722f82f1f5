//! The same conversation in writing with a script's caller: no audio, no waiting; time passes as the core needs it. Real
//! people write in `chat`.

use call::{Input, Millis};
use lines::caller::Caller;
use lines::script::Act as CallerAct;

use crate::conversation::{Act, Conversation, Spoken, Words};
use crate::error::SessionError;
use crate::stage::{Held, Setup, Stage};
use crate::trace::Tracer;

/// How fast people speak, for the clock of a written call: about 15 characters a second.
const MS_PER_CHAR: u64 = 66;
/// A script whose caller never hangs up must end all the same.
const MOST_STEPS: u32 = 10_000;

/// Hold one call with a scripted caller, in virtual time.
///
/// # Errors
///
/// [`SessionError`] when the call cannot be written down.
pub async fn typed(stage: &Stage, setup: Setup, mut caller: Caller, tracer: Tracer) -> Result<Held, SessionError> {
    let (mut conversation, mut inbox) = Conversation::start(stage, setup, call::Config::default(), tracer).await?;
    let mut now = Millis(0);
    for _ in 0..MOST_STEPS {
        now = act(&mut conversation, now);
        if conversation.ended() {
            break;
        }
        if let Some((id, _)) = conversation.take_question() {
            now = answer(&mut conversation, caller.answer(&id), now);
            continue;
        }
        if conversation.flow_thinks() || conversation.transfers() {
            match inbox.recv().await {
                Some(arrived) => conversation.arrived(arrived, now),
                None => break,
            }
            continue;
        }
        // Nothing happens until the next timer.
        match conversation.deadline() {
            Some(deadline) => {
                now = now.max(deadline);
                conversation.handle(Input::Tick, now);
            }
            None => match inbox.recv().await {
                Some(arrived) => conversation.arrived(arrived, now),
                None => break,
            },
        }
    }
    if !conversation.ended() {
        conversation.handle(Input::CallerHungUp, now);
        now = act(&mut conversation, now);
    }
    conversation.outlive_flow(&mut inbox, now).await;
    now = act(&mut conversation, now);
    conversation.finish(now).await
}

/// Do what the core wants; prompts take the time it takes to say them.
fn act(conversation: &mut Conversation, mut now: Millis) -> Millis {
    while let Some(act) = conversation.next_act(now) {
        match act {
            Act::Play { token, text } => {
                let text = match text {
                    Spoken::Text(text) => text,
                    Spoken::Recorded(name) => format!("[{name}]"),
                };
                let from = now;
                conversation.handle(Input::PlaybackStarted { token }, now);
                conversation.robot_says(&text, from);
                now.0 += text.chars().count() as u64 * MS_PER_CHAR;
                conversation.handle(Input::PlaybackDone { token }, now);
                conversation.robot_said(&text, from, now);
            }
            Act::StopPlayback { .. } | Act::Hear { .. } | Act::HearAhead(_) | Act::ComfortTone(_) => {}
        }
    }
    now
}

fn answer(conversation: &mut Conversation, act: CallerAct, mut now: Millis) -> Millis {
    match act {
        CallerAct::Say(text) => {
            let from = now;
            now.0 += text.chars().count() as u64 * MS_PER_CHAR;
            conversation.caller_said(Words { text: text.clone(), from, to: now, confidence: None });
            conversation.handle(Input::Typed(text), now);
        }
        CallerAct::Digits(digits) => {
            for digit in digits.chars() {
                now.0 += 200;
                conversation.key(digit, now);
            }
        }
        CallerAct::Silence => {
            if let Some(deadline) = conversation.deadline() {
                now = now.max(deadline);
                conversation.handle(Input::Tick, now);
            }
        }
        CallerAct::HangUp => conversation.handle(Input::CallerHungUp, now),
    }
    now
}
