//! Every duration and limit of a call in one place, with the reason for its value.

use crate::input::AnswerKind;

/// Settings of one call. `Config::default()` suits the telephone, [`Config::chat`] a written conversation.
///
/// The promise "no more than 3 s of silence without a reason" holds while `comfort_after_ms` and `hang_up_grace_ms`
/// stay under 3000.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a pause ends an answer, by the kind of answer.
    pub pauses: Pauses,
    /// Voice shorter than this is a click, not speech.
    pub min_speech_ms: u64,
    /// An answer is cut here, so that recognition stays bounded.
    pub max_utterance_ms: u64,
    /// Audio before the first detected speech that is recognised too: detection is late, first consonants are quiet.
    pub pre_roll_ms: u64,
    /// Audio after the last detected speech that is recognised too.
    pub tail_ms: u64,
    /// Voice this long over an interruptible prompt stops it. Voice activity has waited some 80 ms to be sure of it, and our
    /// own echo is not voice, so this is short.
    pub barge_in_ms: u64,
    /// Of speech that began before we were ready to listen, at most this much counts (the rest may be our own echo).
    pub overlap_ms: u64,
    /// Speech that begins within this time of the end of an answer still being recognised continues that answer.
    pub merge_window_ms: u64,
    /// Speech shorter than this in which no word is recognised was a noise: keep listening.
    pub noise_ms: u64,
    /// How often noise may put us back to listening within one question.
    pub max_relistens: u8,
    /// After noise, listen at least this long.
    pub relisten_ms: u64,
    /// A recogniser slower than this has heard nothing.
    pub recognise_timeout_ms: u64,
    /// How long to wait for an answer to begin, where the question leaves it open.
    pub answer_timeout_ms: u64,
    /// Bounds on what a question may ask for.
    pub answer_timeout_bounds_ms: (u64, u64),
    /// A pause this long ends a row of keys.
    pub inter_digit_ms: u64,
    /// Keys kept for the next question; later ones are dropped.
    pub type_ahead_keys: usize,
    /// Speech that interrupted a `Say` answers the next `Ask` if it is not older than this.
    pub kept_speech_ms: u64,
    /// After this much silence in our turn a comfort tone begins.
    pub comfort_after_ms: u64,
    /// After this much waiting in our turn the caller is asked to hold.
    pub hold_after_ms: u64,
    /// ... and again, this long after the last time.
    pub hold_every_ms: u64,
    /// A flow that computes longer than this without a command has failed.
    pub flow_timeout_ms: u64,
    /// A prompt of which the first sample does not come in this time has failed.
    pub playback_start_ms: u64,
    /// A prompt longer than this is stopped.
    pub max_prompt_ms: u64,
    /// Prompts in a row that could not be spoken before the call goes to a person.
    pub max_voice_failures: u8,
    /// A person who has not answered a transfer in this time is not there.
    pub transfer_timeout_ms: u64,
    /// After we hung up: how long a flow may take to end.
    pub hang_up_grace_ms: u64,
    /// After the caller hung up, or is with a person: how long a flow may take to end.
    pub flow_grace_ms: u64,
    /// No call lasts longer with a flow.
    pub max_call_ms: u64,
    /// What happens then.
    pub too_long: TooLong,
    /// Where a call goes when its flow fails.
    pub operator: String,
    /// What that person is told.
    pub failure_summary: String,
}

/// How long a pause ends an answer, in milliseconds.
///
/// People pause between the groups of a phone number and while they look for a date, hardly ever inside a "да".
/// Others' figures: LiveKit 500, Pipecat 600–800, Asterisk 2500; these are ours, per kind of answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pauses {
    /// Yes or no.
    pub yes_no: u64,
    /// One of a few words.
    pub choice: u64,
    /// Digits said aloud, phone numbers.
    pub digits: u64,
    /// Dates and times.
    pub date_time: u64,
    /// A person's name.
    pub person_name: u64,
    /// An animal: species, breed, name.
    pub animal: u64,
    /// Anything.
    pub free: u64,
}

impl Pauses {
    /// The pause for one kind of answer.
    pub fn of(&self, kind: AnswerKind) -> u64 {
        match kind {
            AnswerKind::YesNo => self.yes_no,
            AnswerKind::Choice => self.choice,
            AnswerKind::Digits | AnswerKind::Phone => self.digits,
            AnswerKind::DateTime => self.date_time,
            AnswerKind::PersonName => self.person_name,
            AnswerKind::Animal => self.animal,
            AnswerKind::Free => self.free,
        }
    }
}

impl Default for Pauses {
    fn default() -> Self {
        Pauses { yes_no: 300, choice: 400, digits: 1200, date_time: 700, person_name: 800, animal: 700, free: 900 }
    }
}

/// What happens when a call reaches `max_call_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLong {
    /// The caller is handed to a person.
    HandOver,
    /// We say goodbye.
    Goodbye,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            pauses: Pauses::default(),
            min_speech_ms: 120,
            max_utterance_ms: 25_000,
            pre_roll_ms: 300,
            tail_ms: 200,
            barge_in_ms: 60,
            overlap_ms: 1_000,
            merge_window_ms: 1_500,
            noise_ms: 600,
            max_relistens: 2,
            relisten_ms: 1_500,
            recognise_timeout_ms: 4_000,
            answer_timeout_ms: 5_000,
            answer_timeout_bounds_ms: (1_000, 60_000),
            inter_digit_ms: 3_000,
            type_ahead_keys: 32,
            kept_speech_ms: 15_000,
            comfort_after_ms: 1_000,
            hold_after_ms: 6_000,
            hold_every_ms: 10_000,
            flow_timeout_ms: 10_000,
            playback_start_ms: 8_000,
            max_prompt_ms: 120_000,
            max_voice_failures: 3,
            transfer_timeout_ms: 30_000,
            hang_up_grace_ms: 1_000,
            flow_grace_ms: 5_000,
            max_call_ms: 30 * 60_000,
            too_long: TooLong::HandOver,
            operator: "operator".into(),
            failure_summary: "Автоответчик не смог закончить разговор, звонящий ждёт на линии".into(),
        }
    }
}

impl Config {
    /// For a written conversation: people take minutes to type, and there is no silence to fill.
    pub fn chat() -> Self {
        Config {
            answer_timeout_ms: 15 * 60_000,
            answer_timeout_bounds_ms: (5 * 60_000, 60 * 60_000),
            comfort_after_ms: u64::MAX,
            max_call_ms: 6 * 60 * 60_000,
            ..Config::default()
        }
    }

    /// How long to wait for the answer to begin: what the question asks for (0 = our setting), within bounds.
    pub(crate) fn answer_timeout(&self, asked_ms: u32) -> u64 {
        let wanted = if asked_ms == 0 { self.answer_timeout_ms } else { u64::from(asked_ms) };
        let (least, most) = self.answer_timeout_bounds_ms;
        wanted.max(least).min(most.max(least))
    }
}
