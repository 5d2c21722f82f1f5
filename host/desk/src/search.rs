//! The search behind [`crate::free_slots`]: a query made complete, and one day looked through at a time.

use std::cell::OnceCell;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use records::{Claims, PerDay, ResourceClaim};

use crate::calendar::{Booked, Calendar, Stretch, touching};
use crate::clinic::{Branch, Clinic, Doctor, Resource, Service};
use crate::error::DeskError;
use crate::hours::{Minute, Span};
use crate::slots::{Slot, SlotQuery};

const MINUTE_MS: i64 = 60_000;
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
    /// When each offer's doctor works, by weekday: most weeks are like the one before.
    weeks: Vec<[Option<Week>; 7]>,
}

/// When a doctor works on a weekday, and the hours of every place of which that is true.
struct Week {
    places: Arc<Places>,
    working: Arc<Working>,
}

/// The open spans of a day, by place.
type Places = Vec<Vec<Span>>;
/// A doctor's spans of a day with their places.
type Working = Vec<(Option<usize>, Vec<Span>)>;

impl Found {
    pub(crate) fn new(search: &Search<'_>) -> Self {
        let weeks = search.offers.iter().map(|_| Default::default()).collect();
        Self { slots: Vec::new(), offered: vec![0; search.offers.len()], limit: search.limit, weeks }
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
    pub(crate) fn day(&self, date: Date, calendar: &Calendar<'_>, found: &mut Found) {
        let Some(clock) = DayClock::new(self.clinic, date) else { return };
        let places: Places = match self.clinic.branches.is_empty() {
            true => vec![self.clinic.hours(date).spans],
            false => self.clinic.branches.iter().map(|branch| self.clinic.branch_hours(branch, date)).collect(),
        };
        let places = Arc::new(places);
        let mut free: Vec<Free> = Vec::new();
        for (n, offer) in self.offers.iter().enumerate() {
            let full = |most: u32| calendar.load(offer.place, clock.starts, clock.ends) >= most as usize;
            if offer.doctor.per_day.is_some_and(full) {
                continue;
            }
            for (branch, spans) in self.working(n, offer, date, &places, found).iter() {
                if self.branch.is_none_or(|wanted| *branch == Some(wanted)) {
                    self.spans(n, *branch, spans, &clock, calendar, &mut free);
                }
            }
        }
        let load =
            |n: usize| self.offers.get(n).map_or(0, |offer| calendar.load(offer.place, clock.starts, clock.ends));
        self.choose(free, load, found);
    }

    /// When the doctor of an offer works on a day.
    fn working(
        &self,
        n: usize,
        offer: &Offer<'_>,
        date: Date,
        places: &Arc<Places>,
        found: &mut Found,
    ) -> Arc<Working> {
        let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs()) % 7;
        let changed = offer.doctor.is_changed_on(date);
        let week = found.weeks.get_mut(n).map(|weeks| &mut weeks[weekday]).filter(|_| !changed);
        if let Some(Some(week)) = &week
            && (Arc::ptr_eq(&week.places, places) || week.places == *places)
        {
            return Arc::clone(&week.working);
        }
        let working = Arc::new(self.clinic.working_in(offer.doctor, date, places));
        if let Some(week) = week {
            *week = Some(Week { places: Arc::clone(places), working: Arc::clone(&working) });
        }
        working
    }

    /// The free times of one doctor in one place.
    fn spans(
        &self,
        n: usize,
        branch: Option<usize>,
        spans: &[Span],
        clock: &DayClock<'_>,
        calendar: &Calendar<'_>,
        free: &mut Vec<Free>,
    ) {
        let Some(offer) = self.offers.get(n) else { return };
        let (length, held) = (offer.length_ms(), offer.held_ms());
        let empty = Booked::default();
        let booked = calendar.of(offer.place).unwrap_or(&empty);
        // Of a doctor who is booked out nobody asks what they need.
        let machines: OnceCell<Option<Vec<Machine>>> = OnceCell::new();
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
                if !fits {
                    continue;
                }
                let Some(machines) = machines.get_or_init(|| self.machines(n, branch, clock)) else { return };
                let day = (clock.starts, clock.ends);
                if machines.iter().all(|machine| machine.is_left(calendar, day, start, length, held)) {
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
    fn is_left(&self, calendar: &Calendar<'_>, day: Stretch, start: i64, length: i64, held: i64) -> bool {
        let within = |(from, to): &Stretch| *from <= start && start + length <= *to;
        let works = self.windows.as_ref().is_none_or(|windows| windows.iter().any(within));
        works && calendar.most_in_use(&self.key, day, (start, start + held)) < self.count
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
