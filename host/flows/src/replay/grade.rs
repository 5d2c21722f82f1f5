//! Two calls beside each other: the same, the same in other words, or something else.

use crate::host::{Error, appointments::Visitor, callbacks::Callback, voice::Said};
use crate::host::{HostCall, HostReply, Nature};

/// Is it the same question? Its words, hints and times may differ.
pub(crate) fn same_question(a: &HostCall, b: &HostCall) -> bool {
    match (a, b) {
        (HostCall::VoiceAsk { question: a }, HostCall::VoiceAsk { question: b }) => {
            (&a.id, a.expects) == (&b.id, b.expects)
        }
        _ => false,
    }
}

/// Is it the same effect? What is only there for a person to read (summaries, reasons) may differ.
pub(crate) fn same_effect(a: &HostCall, b: &HostCall) -> bool {
    use HostCall as C;
    match (a, b) {
        (C::RoutingTransfer { to: a, summary: _ }, C::RoutingTransfer { to: b, summary: _ }) => a == b,
        (C::AppointmentsCancel { appointment_id: a, reason: _ }, C::AppointmentsCancel { appointment_id: b, .. }) => {
            a == b
        }
        (C::AppointmentsBook { slot_id: a, visitor: one }, C::AppointmentsBook { slot_id: b, visitor: two }) => {
            let Visitor { phone, person, animal, reason: _ } = one;
            a == b && (phone, person, animal) == (&two.phone, &two.person, &two.animal)
        }
        (C::CallbacksRequest { callback: a }, C::CallbacksRequest { callback: b }) => {
            let Callback { phone, person, reason: _, at } = a;
            (phone, person, at) == (&b.phone, &b.person, &b.at)
        }
        (a, b) => a == b,
    }
}

/// May one of these effects stand where the other stood, changed? The same function; a note also under the same name.
pub(crate) fn comparable(a: &HostCall, b: &HostCall) -> bool {
    match (a, b) {
        (HostCall::NotesNote { name: a, .. }, HostCall::NotesNote { name: b, .. }) => a == b,
        (a, b) => a.function() == b.function(),
    }
}

/// Does it change what reads return? Notes are about the call, not about the clinic.
pub(crate) fn changes_data(call: &HostCall) -> bool {
    call.nature() == Nature::Effect && call.interface() != "notes"
}

/// Will the same arguments get the same answer all through a call?
pub(crate) fn constant(call: &HostCall) -> bool {
    use HostCall as C;
    matches!(
        call,
        C::VoiceCall
            | C::ClinicInfo
            | C::ClinicHours { .. }
            | C::ClinicServices
            | C::ClinicAbsentServices
            | C::ClinicDoctors
            | C::FaqFind { .. }
            | C::FaqEntries
    ) || call.interface() == "understanding"
}

/// Is the last answer good enough when it is asked again? Time goes on, but a recording has no other.
pub(crate) fn nearly_constant(call: &HostCall) -> bool {
    matches!(call, HostCall::ClinicNow | HostCall::ClinicIsOpen)
}

/// The answer to a text that nobody recorded: it was heard to its end, or the caller had gone.
pub(crate) fn said(call: &HostCall, gone: bool) -> HostReply {
    let reply = if gone { Err(Error::Hangup) } else { Ok(Said::Complete) };
    match call {
        HostCall::VoicePlay { .. } => HostReply::VoicePlay(reply),
        _ => HostReply::VoiceSay(reply),
    }
}

/// The only answer a note, or the end of the call, can get.
pub(crate) fn done(call: &HostCall, gone: bool) -> Option<HostReply> {
    Some(match call {
        HostCall::NotesTag { .. } => HostReply::NotesTag(Ok(())),
        HostCall::NotesNote { .. } => HostReply::NotesNote(Ok(())),
        HostCall::NotesSetOutcome { .. } => HostReply::NotesSetOutcome(Ok(())),
        HostCall::VoiceHangUp => HostReply::VoiceHangUp(if gone { Err(Error::Hangup) } else { Ok(()) }),
        _ => return None,
    })
}

/// A recorded answer for the function that now asks: a text said where a prompt was played gets the prompt's.
pub(crate) fn fitting(reply: &HostReply, call: &HostCall) -> HostReply {
    match (reply, call) {
        (HostReply::VoicePlay(reply), HostCall::VoiceSay { .. }) => HostReply::VoiceSay(heard(reply)),
        (HostReply::VoiceSay(reply), HostCall::VoicePlay { .. }) => HostReply::VoicePlay(heard(reply)),
        _ => reply.clone(),
    }
}

/// Errors of the one way to speak (an unknown prompt) are not errors of the other; that the caller left is.
fn heard(reply: &Result<Said, Error>) -> Result<Said, Error> {
    match reply {
        Ok(said) => Ok(*said),
        Err(Error::Hangup) => Err(Error::Hangup),
        Err(_) => Ok(Said::Complete),
    }
}
