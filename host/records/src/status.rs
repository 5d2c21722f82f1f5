//! Where a booking stands, and where it may go from there.

use crate::row::words;

words! {
    /// Where a booking stands. `booked`, `reminded`, `confirmed`, `arrived` and `done` hold their time; the others have
    /// released it.
    Status {
        /// Committed.
        Booked = "booked",
        /// The visitor was reminded and has not answered.
        Reminded = "reminded",
        /// The visitor said yes.
        Confirmed = "confirmed",
        /// They are here.
        Arrived = "arrived",
        /// The visit took place: the one good end.
        Done = "done",
        /// Another booking of the visit took its place.
        Moved = "moved",
        /// Called off.
        Cancelled = "cancelled",
        /// They did not come.
        NoShow = "no-show",
    }
}

#[allow(clippy::derivable_impls, reason = "the macro writes the enum's derives, and few of its enums have a default")]
impl Default for Status {
    fn default() -> Self {
        Self::Booked
    }
}

impl Status {
    /// Whether a booking in this status holds its time.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Booked | Self::Reminded | Self::Confirmed | Self::Arrived | Self::Done)
    }

    /// Whether the visit is still to come.
    pub fn is_ahead(self) -> bool {
        matches!(self, Self::Booked | Self::Reminded | Self::Confirmed)
    }

    /// Whether a booking may go from this status to that one, whoever takes it there.
    pub fn may_become(self, next: Self) -> bool {
        use Status::{Arrived, Booked, Cancelled, Confirmed, Done, Moved, NoShow, Reminded};
        let leaves = matches!(next, Arrived | Moved | Cancelled | NoShow);
        match self {
            Booked => leaves || matches!(next, Reminded | Confirmed),
            Reminded => leaves || next == Confirmed,
            Confirmed => leaves,
            Arrived => next == Done,
            Done | Moved | Cancelled | NoShow => false,
        }
    }

    /// What a person may put right, and no program: who was given up came late after all.
    pub fn may_be_put_right(self, next: Self) -> bool {
        self == Self::NoShow && next == Self::Arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every walk through the machine ends, and `done` is reached by those who came and by nobody else.
    #[test]
    fn every_walk_ends_and_only_who_arrived_is_done() {
        fn walk(path: &mut Vec<Status>, ends: &mut Vec<Vec<Status>>) {
            let here = path.last().copied().unwrap_or_default();
            let next: Vec<Status> = Status::ALL.iter().copied().filter(|next| here.may_become(*next)).collect();
            if next.is_empty() {
                ends.push(path.clone());
            }
            for status in next {
                assert!(!path.contains(&status), "{path:?} comes back to {status}");
                path.push(status);
                walk(path, ends);
                path.pop();
            }
        }
        let mut ends = Vec::new();
        walk(&mut vec![Status::Booked], &mut ends);
        // Four ways to get to where it is decided (booked, reminded, confirmed, reminded and confirmed), four ends.
        assert_eq!(ends.len(), 16);
        for path in ends {
            let last = path.last().copied();
            assert_eq!(last == Some(Status::Done), path.contains(&Status::Arrived), "{path:?}");
            assert!(last.is_some_and(|last| !last.is_ahead()), "{path:?}");
        }
    }

    #[test]
    fn only_a_no_show_is_put_right() {
        for from in Status::ALL {
            for to in Status::ALL {
                let right = from.may_be_put_right(*to);
                assert_eq!(right, (*from, *to) == (Status::NoShow, Status::Arrived));
                assert!(!(right && from.may_become(*to)));
            }
        }
    }
}
