//! The search behind [`crate::free_slots`]: a query made complete, what is booked laid out by doctor and by resource, and one
//! day looked through at a time.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use records::{Busy, Claims, PerDay, ResourceClaim};

use crate::clinic::{Branch, Clinic, Doctor, Resource, Service};
use crate::error::DeskError;
use crate::hours::{Minute, Span};
use crate::slots::{Slot, SlotQuery};

const MINUTE_MS: i64 = 60_000;
/// No visit with its buffer lasts longer.
const LONGEST_MS: i64 = 2 * 86_400_000;

/// From and to, unix milliseconds; the end excluded.
type Stretch = (i64, i64);

/// What is booked, by doctor and by resource, in order.
pub(crate) struct Calendar {
    /// In the order of the clinic's doctors.
    doctors: Vec<Booked>,
    resources: HashMap<String, Vec<Stretch>, BuildHasherDefault<ShortHash>>,
}

#[derive(Default)]
struct Booked {
    /// Visits with their buffers; those that overlap (there should be none) are one.
    visits: Vec<Stretch>,
    /// The same for absences.
    away: Vec<Stretch>,
    /// When each visit starts, where that is not to be seen in `visits` because some of them overlap.
    starts: Option<Vec<i64>>,
}

impl Calendar {
    pub(crate) fn new(clinic: &Clinic, busy: &[Busy]) -> Self {
        // A clinic's year is looked through here for every caller; ids are short and its own.
        let mut places: HashMap<&str, usize, BuildHasherDefault<ShortHash>> = HashMap::default();
        places.extend(clinic.doctors.iter().enumerate().map(|(n, doctor)| (doctor.id.as_str(), n)));
        let mut doctors: Vec<Booked> = clinic.doctors.iter().map(|_| Booked::default()).collect();
        let mut resources: HashMap<String, Vec<Stretch>, BuildHasherDefault<ShortHash>> = HashMap::default();
        for busy in busy {
            let stretch = (busy.start_ms, busy.end_ms);
            if !clinic.resources.is_empty() {
                for resource in &busy.resources {
                    match resources.get_mut(resource) {
                        Some(used) => used.push(stretch),
                        None => drop(resources.insert(resource.clone(), vec![stretch])),
                    }
                }
            }
            // Whoever has left the clinic is not looked for; their machine may still be in use.
            let place = places.get(busy.doctor.as_str());
            match place.and_then(|place| doctors.get_mut(*place)) {
                Some(booked) if busy.away => booked.away.push(stretch),
                Some(booked) => booked.visits.push(stretch),
                None => {}
            }
        }
        for booked in &mut doctors {
            booked.visits.sort_unstable();
            if booked.visits.windows(2).any(|pair| pair[1].0 < pair[0].1) {
                booked.starts = Some(booked.visits.iter().map(|(start, _)| *start).collect());
            }
            merge(&mut booked.visits);
            merge(&mut booked.away);
        }
        resources.values_mut().for_each(|used| used.sort_unstable());
        Self { doctors, resources }
    }

    /// How many visits of a doctor start in a stretch of time.
    fn load(&self, doctor: usize, from_ms: i64, to_ms: i64) -> usize {
        let Some(booked) = self.doctors.get(doctor) else { return 0 };
        let before = |at: i64| match &booked.starts {
            Some(starts) => starts.partition_point(|start| *start < at),
            None => booked.visits.partition_point(|(start, _)| *start < at),
        };
        before(to_ms) - before(from_ms)
    }

    /// How many of a resource are in use at once, at most, within a stretch of time.
    fn most_in_use(&self, resource: &str, (from, to): Stretch) -> usize {
        let Some(used) = self.resources.get(resource) else { return 0 };
        let first = used.partition_point(|(start, _)| *start <= from - LONGEST_MS);
        let near = used.get(first..).unwrap_or_default().iter().take_while(|(start, _)| *start < to);
        let near: Vec<Stretch> = near.filter(|(_, until)| *until > from).copied().collect();
        let in_use = |at: i64| near.iter().filter(|(start, until)| *start <= at && at < *until).count();
        near.iter().map(|(start, _)| (*start).max(from)).map(in_use).max().unwrap_or(0)
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
fn touching(list: &[Stretch], (from, to): Stretch) -> &[Stretch] {
    let first = list.partition_point(|(_, until)| *until <= from);
    let last = list.partition_point(|(start, _)| *start < to);
    list.get(first..last).unwrap_or_default()
}

/// A doctor with a service, and what a visit takes.
pub(crate) struct Offer<'a> {
    pub(crate) doctor: &'a Doctor,
    pub(crate) service: &'a Service,
    /// Length of the visit.
    pub(crate) minutes: u32,
    /// Of the doctor in the clinic's list.
    place: usize,
    needs: Vec<&'a Resource>,
}

impl<'a> Offer<'a> {
    pub(crate) fn new(clinic: &'a Clinic, doctor: &'a Doctor, service: &'a Service, first_visit: bool) -> Self {
        Self {
            doctor,
            service,
            minutes: match first_visit {
                true => doctor.first_visit_minutes(service),
                false => doctor.visit_minutes(service),
            },
            place: clinic.doctors.iter().position(|other| other.id == doctor.id).unwrap_or(usize::MAX),
            needs: clinic.resources.iter().filter(|resource| service.needs.contains(&resource.id)).collect(),
        }
    }

    fn length_ms(&self) -> i64 {
        i64::from(self.minutes) * MINUTE_MS
    }

    /// How long the doctor and the resources are not free.
    pub(crate) fn held_ms(&self) -> i64 {
        self.length_ms() + i64::from(self.doctor.buffer_minutes(self.service)) * MINUTE_MS
    }

    /// What a visit on that day in that branch claims besides the doctor's time.
    pub(crate) fn claims(&self, clinic: &Clinic, branch: Option<&Branch>, date: Date) -> Claims {
        let claim =
            |resource: &&Resource| Some(ResourceClaim { resource: resource.at(branch)?, there_are: resource.count });
        let day = || {
            let at = |minute| clinic.instant(date, minute).map(Timestamp::as_millisecond);
            Some(PerDay { visits: self.doctor.per_day?, from_ms: at(Minute::START)?, to_ms: at(Minute::END)? })
        };
        Claims { resources: self.needs.iter().filter_map(claim).collect(), per_day: day() }
    }
}

/// What was found so far.
pub(crate) struct Found {
    pub(crate) slots: Vec<Slot>,
    /// How often each offer's doctor was offered.
    offered: Vec<usize>,
    limit: usize,
}

impl Found {
    pub(crate) fn new(search: &Search<'_>) -> Self {
        Self { slots: Vec::new(), offered: vec![0; search.offers.len()], limit: search.limit }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.slots.len() >= self.limit
    }
}

/// A query, checked and completed.
pub(crate) struct Search<'a> {
    clinic: &'a Clinic,
    offers: Vec<Offer<'a>>,
    branch: Option<usize>,
    pub(crate) first: Date,
    pub(crate) last: Date,
    from: Minute,
    to: Minute,
    limit: usize,
    each_time_once: bool,
    now_ms: i64,
}

impl<'a> Search<'a> {
    pub(crate) fn new(clinic: &'a Clinic, query: &SlotQuery, now: Timestamp) -> Result<Self, DeskError> {
        let service = query.service.as_deref().map(|id| find_service(clinic, id)).transpose()?;
        let doctor = query.doctor.as_deref().map(|id| find_doctor(clinic, id)).transpose()?;
        let branch = query.branch.as_deref().map(|id| find_branch(clinic, id)).transpose()?;
        let species = match &query.species {
            Some(text) => Some(find_species(clinic, text)?),
            None => clinic.species(query.animal.as_str()),
        };
        let speciality = query.speciality.as_ref().map(|word| word.trim().to_lowercase());
        let offers = clinic
            .doctors
            .iter()
            .filter(|candidate| doctor.is_none_or(|wanted| wanted.id == candidate.id))
            .filter(|candidate| species.is_none_or(|species| candidate.sees(species)))
            .filter(|candidate| speciality.as_ref().is_none_or(|word| candidate.speciality.to_lowercase() == *word))
            .filter_map(|doctor| {
                let service = service_of(clinic, doctor, service)?;
                Some(Offer::new(clinic, doctor, service, query.first_visit))
            })
            .collect();
        let today = clinic.local(now).date();
        let horizon = today.checked_add(i64::from(clinic.horizon_days).days()).unwrap_or(Date::MAX);
        Ok(Self {
            clinic,
            offers,
            branch,
            first: query.date_from.unwrap_or(today).max(today),
            last: query.date_to.unwrap_or(horizon).min(horizon),
            from: query.time_from.map_or(Minute::START, Minute::from),
            to: query.time_to.map_or(Minute::END, Minute::from),
            limit: if query.limit == 0 { 3 } else { query.limit as usize },
            each_time_once: query.each_time_once,
            now_ms: now.as_millisecond(),
        })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Adds the free times of one day.
    pub(crate) fn day(&self, date: Date, calendar: &Calendar, found: &mut Found) {
        let Some(clock) = DayClock::new(self.clinic, date) else { return };
        let places: Vec<Vec<Span>> = match self.clinic.branches.is_empty() {
            true => vec![self.clinic.hours(date).spans],
            false => self.clinic.branches.iter().map(|branch| self.clinic.branch_hours(branch, date)).collect(),
        };
        let mut free: Vec<Free> = Vec::new();
        for (n, offer) in self.offers.iter().enumerate() {
            let full = |most: u32| calendar.load(offer.place, clock.starts, clock.ends) >= most as usize;
            if offer.doctor.per_day.is_some_and(full) {
                continue;
            }
            for (branch, spans) in self.clinic.working_in(offer.doctor, date, &places) {
                if self.branch.is_none_or(|wanted| branch == Some(wanted)) {
                    self.spans(n, branch, &spans, &clock, calendar, &mut free);
                }
            }
        }
        let load =
            |n: usize| self.offers.get(n).map_or(0, |offer| calendar.load(offer.place, clock.starts, clock.ends));
        self.choose(free, load, found);
    }

    /// The free times of one doctor in one place.
    fn spans(
        &self,
        n: usize,
        branch: Option<usize>,
        spans: &[Span],
        clock: &DayClock<'_>,
        calendar: &Calendar,
        free: &mut Vec<Free>,
    ) {
        let (Some(offer), Some(machines)) = (self.offers.get(n), self.machines(n, branch, clock)) else { return };
        let (length, held) = (offer.length_ms(), offer.held_ms());
        let empty = Booked::default();
        let booked = calendar.doctors.get(offer.place).unwrap_or(&empty);
        for span in spans {
            let (Some(opens), Some(closes)) = (clock.edge(span.opens), clock.edge(span.closes)) else { continue };
            let mut visits = touching(&booked.visits, (opens, closes + held));
            let mut away = touching(&booked.away, (opens, closes));
            for start in self.grid(*span).filter_map(|minute| clock.instant(minute)) {
                // Starts come in order: what has ended by this one is over for all that follow.
                while visits.first().is_some_and(|(_, until)| *until <= start) {
                    visits = &visits[1..];
                }
                while away.first().is_some_and(|(_, until)| *until <= start) {
                    away = &away[1..];
                }
                let taken = visits.first().is_some_and(|(begins, _)| *begins < start + held)
                    || away.first().is_some_and(|(begins, _)| *begins < start + length);
                let fits = start >= self.now_ms && start + length <= closes && !taken;
                if fits && machines.iter().all(|machine| machine.is_left(calendar, start, length, held)) {
                    free.push(Free { start, offer: n, branch });
                }
            }
        }
    }

    /// What the visit needs there on that day; none when that place does not have it.
    fn machines(&self, n: usize, branch: Option<usize>, clock: &DayClock<'_>) -> Option<Vec<Machine>> {
        let branch = branch.and_then(|place| self.clinic.branches.get(place));
        let machine = |resource: &&Resource| {
            let windows = resource.spans(clock.date).map(|spans| {
                let window = |span: &Span| Some((clock.edge(span.opens)?, clock.edge(span.closes)?));
                spans.iter().filter_map(window).collect()
            });
            Some(Machine { key: resource.at(branch)?, count: resource.count as usize, windows })
        };
        self.offers.get(n)?.needs.iter().map(machine).collect()
    }

    /// The minutes of a span at which a visit may start.
    fn grid(&self, span: Span) -> impl Iterator<Item = Minute> {
        let step = usize::try_from(self.clinic.slot_step.max(1)).unwrap_or(30);
        let (from, to) = (self.from, self.to);
        (span.opens.get()..span.closes.get())
            .step_by(step)
            .filter_map(Minute::new)
            .filter(move |minute| from <= *minute && *minute <= to)
    }

    fn choose(&self, mut free: Vec<Free>, load: impl Fn(usize) -> usize, found: &mut Found) {
        free.sort_unstable();
        free.dedup_by(|a, b| (a.start, a.offer) == (b.start, b.offer));
        let mut loads: Vec<Option<usize>> = vec![None; self.offers.len()];
        for same_time in free.chunk_by_mut(|a, b| a.start == b.start) {
            if found.is_full() {
                return;
            }
            if same_time.len() > 1 {
                same_time.sort_by_cached_key(|free| {
                    let load = *loads[free.offer].get_or_insert_with(|| load(free.offer));
                    (found.offered[free.offer], load, free.offer)
                });
            }
            let most = if self.each_time_once { 1 } else { found.limit - found.slots.len() };
            for free in same_time.iter().take(most) {
                let branch = free.branch.and_then(|place| self.clinic.branches.get(place));
                if let Some(slot) = Slot::new(self.clinic, &self.offers[free.offer], branch, free.start) {
                    found.offered[free.offer] += 1;
                    found.slots.push(slot);
                }
            }
        }
    }
}

/// A free time, before it is chosen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Free {
    start: i64,
    offer: usize,
    branch: Option<usize>,
}

/// A resource on one day in one place.
struct Machine {
    key: String,
    count: usize,
    /// When it can be used; none = always.
    windows: Option<Vec<Stretch>>,
}

impl Machine {
    fn is_left(&self, calendar: &Calendar, start: i64, length: i64, held: i64) -> bool {
        let within = |(from, to): &Stretch| *from <= start && start + length <= *to;
        let works = self.windows.as_ref().is_none_or(|windows| windows.iter().any(within));
        works && calendar.most_in_use(&self.key, (start, start + held)) < self.count
    }
}

/// The minutes of a day as instants. On the two days a year with a clock change they are looked up one by one; else they
/// are arithmetic.
struct DayClock<'a> {
    clinic: &'a Clinic,
    date: Date,
    starts: i64,
    ends: i64,
    plain: bool,
}

impl<'a> DayClock<'a> {
    fn new(clinic: &'a Clinic, date: Date) -> Option<Self> {
        let starts = clinic.instant(date, Minute::START)?.as_millisecond();
        let ends = clinic.instant(date, Minute::END)?.as_millisecond();
        Some(Self { clinic, date, starts, ends, plain: ends - starts == 24 * 60 * MINUTE_MS })
    }

    /// Where a span begins or ends: a minute that the change skips is moved forward by the gap.
    fn edge(&self, minute: Minute) -> Option<i64> {
        match self.plain {
            true => self.instant(minute),
            false => self.clinic.instant(self.date, minute).map(Timestamp::as_millisecond),
        }
    }

    /// None for a minute that the change skips: no visit starts then.
    fn instant(&self, minute: Minute) -> Option<i64> {
        if self.plain {
            return Some(self.starts + i64::from(minute.get()) * MINUTE_MS);
        }
        let instant = self.clinic.instant(self.date, minute)?;
        let exists = minute == Minute::END || Minute::from(self.clinic.local(instant).time()) == minute;
        exists.then(|| instant.as_millisecond())
    }
}

fn service_of<'a>(clinic: &'a Clinic, doctor: &Doctor, wanted: Option<&'a Service>) -> Option<&'a Service> {
    let gives = |service: &Service| service.bookable && service.doctors.contains(&doctor.id);
    match wanted {
        Some(service) => gives(service).then_some(service),
        None => clinic.services.iter().find(|service| gives(service)),
    }
}

pub(crate) fn find_service<'a>(clinic: &'a Clinic, id: &str) -> Result<&'a Service, DeskError> {
    clinic.service(id).ok_or_else(|| DeskError::UnknownService {
        id: id.to_owned(),
        known: clinic.services.iter().map(|service| service.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}

pub(crate) fn find_doctor<'a>(clinic: &'a Clinic, id: &str) -> Result<&'a Doctor, DeskError> {
    clinic.doctor(id).ok_or_else(|| DeskError::UnknownDoctor {
        id: id.to_owned(),
        known: clinic.doctors.iter().map(|doctor| doctor.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}

fn find_branch(clinic: &Clinic, id: &str) -> Result<usize, DeskError> {
    let found = clinic.branch(id).and_then(|found| clinic.branches.iter().position(|branch| branch.id == found.id));
    found.ok_or_else(|| DeskError::UnknownBranch {
        id: id.to_owned(),
        known: clinic.branches.iter().map(|branch| branch.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}

fn find_species<'a>(clinic: &'a Clinic, text: &str) -> Result<&'a str, DeskError> {
    let unknown = || DeskError::UnknownSpecies { word: text.to_owned(), known: clinic.known_species() };
    clinic.species(text).ok_or_else(unknown)
}
