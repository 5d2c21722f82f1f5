//! The clinic's rules for what it says to people of its own accord: the cycle of reminders, and how the list of people to
//! call is worked through. Data; `outreach` acts on it.

use records::Channel;
use serde::Serialize;

use crate::hours::{Minute, Span};
use crate::retry::RetryPlan;
use crate::wording::Language;

/// The cycle of reminders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reminders {
    /// In the order of the file.
    pub steps: Vec<ReminderStep>,
    /// Nothing is sent outside of it, on the clinic's clock.
    pub hours: Span,
    /// Ways to write to somebody, the preferred one first.
    pub channels: Vec<Channel>,
    /// Of people of whom nothing else is known.
    pub language: Language,
    /// A step that would come so soon after the visit was booked (or moved) is left out: they know.
    pub gap_minutes: u32,
    /// So shortly before the visit nothing is said any more.
    pub last_minutes: u32,
    /// What a "no" does.
    pub on_no: OnNo,
}

/// One step of the cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReminderStep {
    /// Short name; also that of its text.
    pub id: String,
    /// When.
    pub when: StepTime,
    /// Whether it asks for a yes or no.
    pub asks: bool,
    /// Only for those who were asked and have not answered.
    pub unanswered: bool,
    /// By which way.
    pub how: StepWay,
}

/// When a step is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum StepTime {
    /// When the visit is booked, and when it is moved.
    AtOnce,
    /// So many days before it, at a time of the clinic's clock.
    DaysBefore(u32, Minute),
    /// So many minutes before it.
    MinutesBefore(u32),
}

/// By which way a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum StepWay {
    /// In writing.
    Message,
    /// The robot calls.
    Call,
    /// A person calls.
    List,
}

/// What a "no" does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum OnNo {
    /// Somebody calls and offers another time; the visit stays until then.
    Call,
    /// The visit is cancelled, and somebody calls and offers another time.
    Cancel,
}

/// At once; the day before at noon with a question; at six in the evening a person calls those who did not answer; two hours
/// before.
impl Default for Reminders {
    fn default() -> Self {
        let minute = |hour: u16| Minute::new(hour * 60).unwrap_or(Minute::START);
        let step = |id: &str, when| ReminderStep {
            id: id.to_owned(),
            when,
            asks: false,
            unanswered: false,
            how: StepWay::Message,
        };
        Self {
            steps: vec![
                step("booked", StepTime::AtOnce),
                ReminderStep { asks: true, ..step("day-before", StepTime::DaysBefore(1, minute(12))) },
                ReminderStep {
                    unanswered: true,
                    how: StepWay::List,
                    ..step("call", StepTime::DaysBefore(1, minute(18)))
                },
                step("soon", StepTime::MinutesBefore(120)),
            ],
            hours: Span { opens: minute(9), closes: minute(21) },
            channels: vec![Channel::Messenger, Channel::Sms],
            language: Language::Russian,
            gap_minutes: 60,
            last_minutes: 30,
            on_no: OnNo::Call,
        }
    }
}

/// How the list of people to call is worked through.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestRules {
    /// Whoever asked is called within so many minutes of opening hours; none = the clinic's `callback_minutes`.
    pub minutes: Option<u32>,
    /// Whoever named an hour is called at that hour; after so many minutes more it is late.
    pub grace_minutes: u32,
    /// When somebody who was not reached is called again.
    pub plan: RetryPlan,
    /// A second request from one number within so many minutes is the first one.
    pub same_minutes: u32,
    /// So long an entry belongs to whoever took it.
    pub claim_minutes: u32,
    /// Why a request may come to nothing; one of these is asked for.
    pub lost_reasons: Vec<String>,
    /// Who is told when a request is late: a way, and the number or address.
    pub head: Vec<(Channel, String)>,
    /// This share of first-time requests is to become bookings.
    pub goal: f64,
}

/// The rules of the trade: within 30 minutes or at the client's hour; now, after 30 minutes, 2 hours, the next day and a week.
impl Default for RequestRules {
    fn default() -> Self {
        let reasons =
            ["дорого", "нет подходящего времени", "нет такой услуги", "передумал", "выбрал другую клинику", "другое"];
        Self {
            minutes: None,
            grace_minutes: 15,
            plan: RetryPlan::default(),
            same_minutes: 30,
            claim_minutes: 10,
            lost_reasons: reasons.map(str::to_owned).to_vec(),
            head: Vec::new(),
            goal: 0.8,
        }
    }
}
