//! What a flow may ask of the host, and what the host answers: the flow interface as plain Rust data.
//!
//! [`HostCall`] and [`HostReply`] are the one internal model of every call in `wit/`: ports answer them, the journal
//! stores them, replays compare them. They are ours, not the bindings generated from the WIT (those stay private), so
//! that a journal outlives an interface version: a new major of a package gets its own conversion upward into these.
//!
//! One module per capability holds its types, their conversions, and the thin `Host` implementation in which every
//! function is one line.
//!
//! ## The serialised form
//!
//! Journals are kept, so names here are a file format. Functions are named `interface.function` as in the WIT, enum
//! values are `kebab-case`, fields `snake_case`, absent options `null`:
//!
//! ```
//! use flows::host::{HostCall, voice::BargeIn};
//! let call = HostCall::VoiceSay { text: "Здравствуйте!".into(), barge_in: BargeIn::Speech };
//! assert_eq!(call.function(), "voice.say");
//! let json = serde_json::to_string(&call)?;
//! assert_eq!(json, r#"{"function":"voice.say","args":{"text":"Здравствуйте!","barge_in":"speech"}}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Change a name here only together with [`FORMAT`](crate::journal::FORMAT) and a reader for the old one.

use serde::{Deserialize, Serialize};

pub mod appointments;
pub mod callbacks;
pub mod clinic;
mod convert;
pub mod faq;
pub mod notes;
pub mod routing;
pub mod types;
pub mod understanding;
pub mod voice;

pub use types::{Error, Money};

use appointments::{Appointment, Booking, Slot, SlotQuery, Visitor};
use callbacks::{Callback, Promise};
use clinic::{ClinicInfo, DayHours, Doctor, Service};
use faq::{Entry, Hit};
use notes::Outcome;
use routing::{Destination, QueueState, TransferOutcome};
use understanding::{Animal, DateTime, Intent, PersonName, YesNo};
use voice::{Answer, BargeIn, CallInfo, Question, Said};

/// What a function does to the world. Decides how a replay judges a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nature {
    /// The caller hears something.
    Speech,
    /// The caller is asked something.
    Question,
    /// Nothing changes: a look at the clinic's data, or at what the caller meant.
    Read,
    /// Something is written down, promised, or done to the call.
    Effect,
    /// A line for the flow's author.
    Remark,
}

/// The table of all functions: from it come the call, the reply and the names.
macro_rules! functions {
    ($(
        $(#[doc = $doc:literal])+
        $name:literal $variant:ident $({ $($arg:ident: $ty:ty),+ })? -> $reply:ty, $nature:ident;
    )*) => {
        /// One call of a flow to the host. Arguments are named as in the WIT.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "function", content = "args")]
        #[allow(missing_docs, reason = "the arguments are those of the WIT, documented there and in their types")]
        pub enum HostCall {
            $( $(#[doc = $doc])+ #[serde(rename = $name)] $variant $({ $($arg: $ty),+ })?, )*
        }

        /// What the host answered; each variant answers the call of the same name.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "function", content = "result")]
        pub enum HostReply {
            $( #[doc = concat!("Answers `", $name, "`.")] #[serde(rename = $name)] $variant($reply), )*
        }

        impl HostCall {
            /// Every function of the interface, `interface.function`, in the order of the WIT.
            pub const FUNCTIONS: &[&str] = &[$($name),*];

            /// The function's name, `interface.function`.
            pub fn function(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $name, )* }
            }

            /// What the function does to the world.
            pub fn nature(&self) -> Nature {
                match self { $( Self::$variant { .. } => Nature::$nature, )* }
            }
        }

        impl HostReply {
            /// The function this answers, `interface.function`.
            pub fn function(&self) -> &'static str {
                match self { $( Self::$variant(_) => $name, )* }
            }
        }
    };
}

functions! {
    /// What is known of this call.
    "voice.call" VoiceCall -> CallInfo, Read;
    /// Say a text.
    "voice.say" VoiceSay { text: String, barge_in: BargeIn } -> Result<Said, Error>, Speech;
    /// Play a recorded prompt by its name.
    "voice.play" VoicePlay { prompt: String, barge_in: BargeIn } -> Result<Said, Error>, Speech;
    /// Ask, and wait for one answer.
    "voice.ask" VoiceAsk { question: Question } -> Result<Answer, Error>, Question;
    /// End the call after what was said has been heard.
    "voice.hang-up" VoiceHangUp -> Result<(), Error>, Effect;

    /// Who the clinic is.
    "clinic.info" ClinicInfo -> ClinicInfo, Read;
    /// The moment in the clinic's zone.
    "clinic.now" ClinicNow -> String, Read;
    /// Hours of one day.
    "clinic.hours" ClinicHours { date: String } -> Result<DayHours, Error>, Read;
    /// Is somebody at the desk now?
    "clinic.is-open" ClinicIsOpen -> bool, Read;
    /// What the clinic offers.
    "clinic.services" ClinicServices -> Vec<Service>, Read;
    /// What callers ask for and the clinic does not offer.
    "clinic.absent-services" ClinicAbsentServices -> Vec<String>, Read;
    /// Who works here.
    "clinic.doctors" ClinicDoctors -> Vec<Doctor>, Read;

    /// Entries that answer a question.
    "faq.find" FaqFind { question: String } -> Result<Vec<Hit>, Error>, Read;
    /// The whole FAQ.
    "faq.entries" FaqEntries -> Vec<Entry>, Read;

    /// Free times.
    "appointments.find" AppointmentsFind { query: SlotQuery } -> Result<Vec<Slot>, Error>, Read;
    /// Take a free time.
    "appointments.book" AppointmentsBook { slot_id: String, visitor: Visitor } -> Result<Booking, Error>, Effect;
    /// Move a visit.
    "appointments.reschedule" AppointmentsReschedule { appointment_id: String, slot_id: String }
        -> Result<Booking, Error>, Effect;
    /// Cancel a visit.
    "appointments.cancel" AppointmentsCancel { appointment_id: String, reason: String } -> Result<(), Error>, Effect;
    /// Coming visits under a phone number.
    "appointments.mine" AppointmentsMine { phone: String } -> Result<Vec<Appointment>, Error>, Read;

    /// Promise to call back.
    "callbacks.request" CallbacksRequest { callback: Callback } -> Result<Promise, Error>, Effect;

    /// Hand the caller over.
    "routing.transfer" RoutingTransfer { to: Destination, summary: String } -> Result<TransferOutcome, Error>, Effect;
    /// How busy a destination is.
    "routing.queue" RoutingQueue { to: Destination } -> Result<QueueState, Error>, Read;

    /// A day and a time in the caller's words.
    "understanding.parse-date-time" ParseDateTime { text: String } -> DateTime, Read;
    /// Consent or refusal.
    "understanding.parse-yes-no" ParseYesNo { text: String } -> YesNo, Read;
    /// A phone number, as E.164.
    "understanding.parse-phone" ParsePhone { text: String } -> Option<String>, Read;
    /// A person's name.
    "understanding.parse-name" ParseName { text: String } -> Option<PersonName>, Read;
    /// An animal.
    "understanding.parse-animal" ParseAnimal { text: String } -> Option<Animal>, Read;
    /// Why the caller speaks.
    "understanding.parse-intent" ParseIntent { text: String } -> Intent, Read;
    /// Which of the options was meant; its index.
    "understanding.parse-choice" ParseChoice { text: String, options: Vec<String> } -> Option<u32>, Read;

    /// Tag the call with a category.
    "notes.tag" NotesTag { category: String } -> Result<(), Error>, Effect;
    /// Keep a fact by name.
    "notes.note" NotesNote { name: String, value: String } -> Result<(), Error>, Effect;
    /// How the call ended.
    "notes.set-outcome" NotesSetOutcome { outcome: Outcome } -> Result<(), Error>, Effect;
    /// A line in the flow's own log.
    "notes.log" NotesLog { line: String } -> (), Remark;
}

impl HostCall {
    /// The WIT interface of the function (`voice`).
    pub fn interface(&self) -> &'static str {
        let name = self.function();
        name.split_once('.').map_or(name, |(interface, _)| interface)
    }
}

impl HostReply {
    /// Why the call did not do what it was asked, if it did not.
    ///
    /// ```
    /// use flows::host::{Error, HostReply};
    /// assert_eq!(HostReply::NotesTag(Err(Error::Hangup)).error(), Some(&Error::Hangup));
    /// assert_eq!(HostReply::ClinicIsOpen(true).error(), None);
    /// ```
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::VoiceSay(r) | Self::VoicePlay(r) => r.as_ref().err(),
            Self::VoiceAsk(r) => r.as_ref().err(),
            Self::ClinicHours(r) => r.as_ref().err(),
            Self::FaqFind(r) => r.as_ref().err(),
            Self::AppointmentsFind(r) => r.as_ref().err(),
            Self::AppointmentsBook(r) | Self::AppointmentsReschedule(r) => r.as_ref().err(),
            Self::AppointmentsMine(r) => r.as_ref().err(),
            Self::CallbacksRequest(r) => r.as_ref().err(),
            Self::RoutingTransfer(r) => r.as_ref().err(),
            Self::RoutingQueue(r) => r.as_ref().err(),
            Self::VoiceHangUp(r)
            | Self::AppointmentsCancel(r)
            | Self::NotesTag(r)
            | Self::NotesNote(r)
            | Self::NotesSetOutcome(r) => r.as_ref().err(),
            Self::VoiceCall(_)
            | Self::ClinicInfo(_)
            | Self::ClinicNow(_)
            | Self::ClinicIsOpen(_)
            | Self::ClinicServices(_)
            | Self::ClinicAbsentServices(_)
            | Self::ClinicDoctors(_)
            | Self::FaqEntries(_)
            | Self::ParseDateTime(_)
            | Self::ParseYesNo(_)
            | Self::ParsePhone(_)
            | Self::ParseName(_)
            | Self::ParseAnimal(_)
            | Self::ParseIntent(_)
            | Self::ParseChoice(_)
            | Self::NotesLog(()) => None,
        }
    }
}

/// The bindings generated from `wit/`. Nothing outside this room sees them.
pub(crate) mod bindings {
    #![allow(missing_docs, reason = "generated; the WIT is the documentation")]
    #![allow(clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "gudok:flow/flow",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

/// One line of a `Host` implementation: make the call, take the reply of the same name, convert it to the WIT's type.
macro_rules! forward {
    ($guest:ident, $variant:ident $({ $($arg:ident: $value:expr),+ })?) => {{
        let call = $crate::host::HostCall::$variant $({ $($arg: $crate::host::convert::Convert::convert($value)),+ })?;
        match $guest.host_call(call).await? {
            $crate::host::HostReply::$variant(reply) => Ok($crate::host::convert::Convert::convert(reply)),
            other => Err($crate::guest::wrong_reply(stringify!($variant), &other)),
        }
    }};
}
pub(crate) use forward;
