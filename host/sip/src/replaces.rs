//! INVITE with Replaces (RFC 3891): a call that takes the place of one we have, as the last step of an attended transfer
//! does whose target we are. The front check has seen that the field is whole and stands where it may.
//!
//! - Named by Call-ID and both tags, ours as the to-tag: a confirmed call may be replaced, by whoever could call us at all.
//!   The tags are random, so only somebody on the call, or whom they told, can name it.
//! - `early-only` and a call that was answered: 486. A call that has just ended: 603. None, or one still ringing: 481.
//! - The replaced call gets its BYE once the new one is answered, and stays as it is where that is not.

use std::collections::VecDeque;
use std::sync::Arc;

use rsipstack::sip::Headers;
use tokio::time::Instant;

use crate::call::{Call, Phase};
use crate::core::Core;
use crate::dialog::{DialogId, Over};
use crate::header::{self, NameAddr};

/// Ended calls that are remembered at most, so that a storm of short ones costs nothing.
const MOST_ENDED: usize = 1_024;

/// What the field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaces {
    pub call_id: String,
    /// Ours.
    pub to_tag: String,
    /// The other side's.
    pub from_tag: String,
    /// Only a call that is not answered yet.
    pub early_only: bool,
}

impl Replaces {
    /// Reads `call-id;to-tag=ours;from-tag=theirs`, with `;early-only` or without. Each tag stands once.
    pub(crate) fn parse(text: &str) -> Option<Replaces> {
        let mut parts = text.split(';').map(str::trim);
        let call_id = parts.next().filter(|id| !id.is_empty() && !id.contains([' ', '\t', ',']))?;
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for part in parts {
            let (name, value) = part.split_once('=').map_or((part, ""), |(name, value)| (name.trim(), value.trim()));
            let tag = match name.to_ascii_lowercase().as_str() {
                "to-tag" => &mut to_tag,
                "from-tag" => &mut from_tag,
                "early-only" => {
                    early_only = true;
                    continue;
                }
                _ => continue,
            };
            if value.is_empty() || tag.replace(value.to_string()).is_some() {
                return None;
            }
        }
        Some(Replaces { call_id: call_id.to_string(), to_tag: to_tag?, from_tag: from_tag?, early_only })
    }
}

/// A call of ours that an incoming one is to take the place of.
pub struct Replaced {
    call: Arc<Call>,
}

impl Replaced {
    /// Which one.
    pub fn id(&self) -> DialogId {
        self.call.id()
    }

    /// The new one was answered: this one is over, and its other side is told so.
    pub(crate) fn by_another(&self) {
        self.call.hang_up_as(None, Over::Replaced);
    }
}

impl std::fmt::Debug for Replaced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replaced").field("call_id", &self.call.call_id).finish_non_exhaustive()
    }
}

impl Core {
    /// The call that an INVITE wants to replace, if it wants to; the status where that cannot be.
    pub(crate) fn to_replace(&self, headers: &Headers) -> Result<Option<Replaced>, u16> {
        let Some(text) = header::value(headers, "Replaces") else { return Ok(None) };
        let named = Replaces::parse(text).ok_or(400_u16)?;
        let found = self.call_named(&named.call_id, &named.to_tag);
        let Some(call) = found.filter(|call| call.remote_tag().as_deref() == Some(named.from_tag.as_str())) else {
            return Err(if self.has_ended(&named) { 603 } else { 481 });
        };
        let phase = call.state().phase;
        match phase {
            Phase::Up if named.early_only => Err(486),
            Phase::Up => Ok(Some(Replaced { call })),
            Phase::Ending | Phase::Over => Err(603),
            Phase::Early => Err(481),
        }
    }

    fn has_ended(&self, named: &Replaces) -> bool {
        let since = Instant::now().checked_sub(self.patience());
        let is = |(id, theirs, at): &(DialogId, String, Instant)| {
            since.is_none_or(|since| *at >= since) && id.is(&named.call_id, &named.to_tag) && *theirs == named.from_tag
        };
        self.ended().iter().any(is)
    }

    /// Remembers a call that was answered and is over, for as long as somebody may still want to replace it.
    pub(crate) fn has_been(&self, call: &Call) {
        let Some(theirs) = call.remote_tag() else { return };
        let (now, patience) = (Instant::now(), self.patience());
        let mut ended: std::sync::MutexGuard<'_, VecDeque<_>> = self.ended();
        while ended.len() >= MOST_ENDED
            || ended.front().is_some_and(|(.., at): &(DialogId, String, Instant)| now.duration_since(*at) > patience)
        {
            ended.pop_front();
        }
        ended.push_back((call.id(), theirs, now));
    }
}

impl Call {
    pub(crate) fn id(&self) -> DialogId {
        DialogId::new(&self.call_id, &self.local_tag)
    }

    /// The other side's tag, once it is known.
    pub(crate) fn remote_tag(&self) -> Option<String> {
        NameAddr::parse(&self.state().remote)?.param("tag").map(str::to_string)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_field_is_read_with_its_parameters_in_any_order() {
        let read = |text| Replaces::parse(text).map(|r| (r.call_id, r.to_tag, r.from_tag, r.early_only));
        let is = |id: &str, to: &str, from: &str, early| Some((id.into(), to.into(), from.into(), early));
        // The example of RFC 3891 §1, in both orders.
        let of_the_rfc = "425928@bobster.example.org;to-tag=7743;from-tag=6472";
        assert_eq!(read(of_the_rfc), is("425928@bobster.example.org", "7743", "6472", false));
        assert_eq!(
            read("98732@sip.example.com ; from-tag=r33 ;to-tag=ff87;early-only"),
            is("98732@sip.example.com", "ff87", "r33", true)
        );
        assert_eq!(read("x;From-Tag=0;x=y;TO-TAG=1"), is("x", "1", "0", false));
        for wrong in [
            "",
            ";to-tag=1;from-tag=2",
            "x;to-tag=1",
            "x;from-tag=1",
            "x;to-tag=;from-tag=1",
            "x;to-tag=1;to-tag=2;from-tag=3",
            "a, b;to-tag=1;from-tag=2",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?} was taken");
        }
    }
    proptest! {
        /// Whatever comes is read without a panic, and what is read can be written and read again.
        #[test]
        fn whatever_comes(text in "[a-z@;=, -]{0,40}|.{0,20}(;(to-tag|from-tag|early-only)(=[a-z0-9]{0,4})?){0,4}") {
            let Some(read) = Replaces::parse(&text) else { return Ok(()) };
            let early = if read.early_only { ";early-only" } else { "" };
            let written = format!("{};from-tag={};to-tag={}{early}", read.call_id, read.from_tag, read.to_tag);
            prop_assert_eq!(Replaces::parse(&written), Some(read));
        }
    }
}
