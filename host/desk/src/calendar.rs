//! What is booked, laid out so that a search looks at every booking once: visits by doctor, and on the days where it matters
//! how many of a resource are in use at any time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use records::Busy;

use crate::clinic::Clinic;

/// No visit with its buffer lasts longer.
const LONGEST_MS: i64 = 2 * 86_400_000;

/// From and to, unix milliseconds; the end excluded.
pub(crate) type Stretch = (i64, i64);

/// What is booked.
pub(crate) struct Calendar<'a> {
    /// By start.
    busy: Vec<&'a Busy>,
    /// In the order of the clinic's doctors.
    doctors: Vec<Booked>,
    /// Of the day that is looked at, by resource.
    in_use: RefCell<InUse>,
}

/// What is booked of a doctor, in order.
#[derive(Default)]
pub(crate) struct Booked {
    /// Visits with their buffers; those that overlap (there should be none) are one.
    pub(crate) visits: Vec<Stretch>,
    /// The same for absences.
    pub(crate) away: Vec<Stretch>,
    /// When each visit starts, where that is not to be seen in `visits` because some of them overlap.
    starts: Option<Vec<i64>>,
}

/// From when on how many are in use.
type Levels = Vec<(i64, usize)>;

#[derive(Default)]
struct InUse {
    day: Stretch,
    resources: Vec<(String, Levels)>,
}

impl<'a> Calendar<'a> {
    pub(crate) fn new(clinic: &Clinic, booked: &'a [Busy]) -> Self {
        // A clinic's year is looked through here for every caller; ids are short and its own.
        let mut places: HashMap<&str, usize, BuildHasherDefault<ShortHash>> = HashMap::default();
        places.extend(clinic.doctors.iter().enumerate().map(|(n, doctor)| (doctor.id.as_str(), n)));
        let mut doctors: Vec<Booked> = clinic.doctors.iter().map(|_| Booked::default()).collect();
        for busy in booked {
            let stretch = (busy.start_ms, busy.end_ms);
            // Whoever has left the clinic is not looked for; their machine may still be in use.
            let place = places.get(busy.doctor.as_str());
            match place.and_then(|place| doctors.get_mut(*place)) {
                Some(booked) if busy.away => booked.away.push(stretch),
                Some(booked) => booked.visits.push(stretch),
                None => {}
            }
        }
        for booked in &mut doctors {
            if !is_tidy(&booked.visits) {
                booked.visits.sort_unstable();
                if booked.visits.windows(2).any(|pair| pair[1].0 < pair[0].1) {
                    booked.starts = Some(booked.visits.iter().map(|(start, _)| *start).collect());
                }
                merge(&mut booked.visits);
            }
            merge(&mut booked.away);
        }
        let mut busy = Vec::new();
        if !clinic.resources.is_empty() {
            busy.extend(booked.iter());
            if !booked.is_sorted_by_key(|busy| busy.start_ms) {
                busy.sort_by_key(|busy| busy.start_ms);
            }
        }
        Self { busy, doctors, in_use: RefCell::default() }
    }

    /// What is booked of a doctor of the clinic's list.
    pub(crate) fn of(&self, doctor: usize) -> Option<&Booked> {
        self.doctors.get(doctor)
    }

    /// How many visits of a doctor start in a stretch of time.
    pub(crate) fn load(&self, doctor: usize, from_ms: i64, to_ms: i64) -> usize {
        let Some(booked) = self.doctors.get(doctor) else { return 0 };
        let before = |at: i64| match &booked.starts {
            Some(starts) => starts.partition_point(|start| *start < at),
            None => booked.visits.partition_point(|(start, _)| *start < at),
        };
        before(to_ms) - before(from_ms)
    }

    /// How many of a resource are in use at once, at most, within a stretch of time that begins on `day`.
    pub(crate) fn most_in_use(&self, resource: &str, day: Stretch, (from, to): Stretch) -> usize {
        let mut in_use = self.in_use.borrow_mut();
        if in_use.day != day {
            *in_use = InUse { day, resources: Vec::new() };
        }
        let place = match in_use.resources.iter().position(|(known, _)| known == resource) {
            Some(place) => place,
            None => {
                in_use.resources.push((resource.to_owned(), self.levels(resource, day)));
                in_use.resources.len() - 1
            }
        };
        let Some((_, levels)) = in_use.resources.get(place) else { return 0 };
        let next = levels.partition_point(|(at, _)| *at <= from);
        let before = next.checked_sub(1).and_then(|last| levels.get(last)).map_or(0, |(_, level)| *level);
        let within = levels.get(next..).unwrap_or_default().iter().take_while(|(at, _)| *at < to);
        within.map(|(_, level)| *level).max().unwrap_or(0).max(before)
    }

    fn levels(&self, resource: &str, (from, to): Stretch) -> Levels {
        let first = self.busy.partition_point(|busy| busy.start_ms <= from - LONGEST_MS);
        let near = self.busy.get(first..).unwrap_or_default().iter();
        let near = near.take_while(|busy| busy.start_ms < to + LONGEST_MS);
        let uses = near.filter(|busy| busy.resources.iter().any(|used| used == resource));
        let mut steps: Vec<(i64, isize)> = Vec::new();
        for busy in uses.filter(|busy| busy.start_ms < busy.end_ms && busy.end_ms > from) {
            steps.extend([(busy.start_ms, 1), (busy.end_ms, -1)]);
        }
        // Who leaves at a moment leaves before who comes.
        steps.sort_unstable();
        let mut level = 0_isize;
        let mut levels: Levels = Vec::with_capacity(steps.len());
        for (at, step) in steps {
            level += step;
            let now = usize::try_from(level).unwrap_or(0);
            match levels.last_mut() {
                Some(last) if last.0 == at => last.1 = now,
                _ => levels.push((at, now)),
            }
        }
        levels
    }
}

/// FNV-1a: for ids of the clinic's own file, which nobody chooses to make them collide.
struct ShortHash(u64);

impl Default for ShortHash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for ShortHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// In order, and none touches another.
fn is_tidy(stretches: &[Stretch]) -> bool {
    stretches.windows(2).all(|pair| pair[0].1 <= pair[1].0 && pair[0].0 <= pair[1].0)
}

/// Sorts, and makes stretches that overlap one.
fn merge(stretches: &mut Vec<Stretch>) {
    stretches.sort_unstable();
    stretches.dedup_by(|next, last| {
        let overlap = next.0 < last.1;
        if overlap {
            last.1 = last.1.max(next.1);
        }
        overlap
    });
}

/// The part of an ordered list that touches a stretch.
pub(crate) fn touching(list: &[Stretch], (from, to): Stretch) -> &[Stretch] {
    let first = list.partition_point(|(_, until)| *until <= from);
    let last = list.partition_point(|(start, _)| *start < to);
    list.get(first..last).unwrap_or_default()
}
