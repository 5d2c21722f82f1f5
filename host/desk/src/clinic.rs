//! A clinic as its file describes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::hours::{DayHours, Minute, Span, WeeklyHours, intersect, subtract};
use crate::money::{Currency, Money};
use crate::outreach::{Reminders, RequestRules};
use crate::wording::Wording;
use crate::{Canned, ClinicErrors, file};

/// Whom the clinic treats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Animals.
    Veterinary,
    /// People.
    Medical,
    /// Teeth.
    Dental,
}

impl Kind {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Veterinary => "veterinary",
            Self::Medical => "medical",
            Self::Dental => "dental",
        }
    }
}

/// A service the clinic offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Made from the name when the file gives none.
    pub id: String,
    /// As callers say it.
    pub name: String,
    /// Length of a visit.
    pub minutes: u32,
    /// The price, or the lowest one.
    pub price: Option<Money>,
    /// Whether `price` is the lowest of several.
    pub price_from: bool,
    /// Whether a visit can be booked for it (not for a pharmacy or a ward).
    pub bookable: bool,
    /// Ids of the doctors who give it, in the order of the file.
    pub doctors: Vec<String>,
    /// Length of a first visit, where it is another.
    pub first_minutes: Option<u32>,
    /// Minutes after a visit in which the doctor and what it needs are not free yet.
    pub buffer: u32,
    /// Ids of the resources it needs, one of each.
    pub needs: Vec<String>,
}

/// A place of the clinic with its own address and hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// Made from the name when the file gives none.
    pub id: String,
    /// As callers say it.
    pub name: String,
    /// Written to be heard; may be empty.
    pub address: String,
    /// E.164; may be empty.
    pub phone: String,
    /// Opening hours; none = the clinic's.
    pub hours: Option<WeeklyHours>,
    /// Days that differ here.
    pub exceptions: Vec<Exception>,
}

/// Rooms or machines of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// Made from the name when the file gives none.
    pub id: String,
    /// As the clinic calls it.
    pub name: String,
    /// How many there are, in each branch that has them.
    pub count: u32,
    /// Ids of the branches that have them; empty = every one.
    pub branches: Vec<String>,
    /// Days on which there are none, or only for some hours: repairs.
    pub exceptions: Vec<Exception>,
}

/// A day on which the clinic is closed, every year or once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Holiday {
    /// None = every year.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: i8,
    /// 1 to 31.
    pub day: i8,
}

/// Why a visit was lost, as the clinic puts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostReason {
    /// Short and stable: what the records and the reports keep.
    pub code: String,
    /// As people read it.
    pub text: String,
}

/// A doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doctor {
    /// Made from the name when the file gives none.
    pub id: String,
    /// Surname first.
    pub name: String,
    /// For example `хирург`; may be empty.
    pub speciality: String,
    /// Ids of the services they give.
    pub services: Vec<String>,
    /// Their own length of a visit, by service id, where it differs.
    pub minutes: BTreeMap<String, u32>,
    /// Working hours; none = the clinic's. A doctor is never available outside the clinic's.
    pub hours: Option<WeeklyHours>,
    /// Vacations and other days that differ.
    pub exceptions: Vec<Exception>,
    /// Kinds of animals they see; empty = any.
    pub species: Vec<String>,
    /// Where they work: hours by branch id. Empty = at the clinic's one place, in `hours`.
    pub branches: Vec<(String, Option<WeeklyHours>)>,
    /// Times of the week at which they are not there although they work.
    pub breaks: WeeklyHours,
    /// Their own buffer after a visit.
    pub buffer: Option<u32>,
    /// Their own length of a first visit, by service id.
    pub first_minutes: BTreeMap<String, u32>,
    /// At most so many visits a day.
    pub per_day: Option<u32>,
}

/// Days that differ from the week: closed, or with other hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// First day.
    pub from: Date,
    /// Last day, included.
    pub to: Date,
    /// Empty = closed.
    pub spans: Vec<Span>,
    /// Why, as a caller should hear it; may be empty.
    pub note: String,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaqEntry {
    /// Made from the question when the file gives none.
    pub id: String,
    /// As callers ask it.
    pub question: String,
    /// Written to be heard.
    pub answer: String,
}

/// What the clinic wants of the programs that hold its conversations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowRules {
    /// Public keys (Ed25519, base64); a version must be signed with one of them. Empty: it need not be signed.
    pub signed_by: Vec<String>,
    /// When a new version goes back by itself.
    pub rollback: RollbackRules,
}

/// When a new version of a flow goes back by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RollbackRules {
    /// Not before it held so many calls.
    pub min_calls: u32,
    /// So much higher may the share of calls be in which it breaks: 0.02 is two in a hundred.
    pub traps_more: f64,
    /// So much higher may the share of calls be in which a person has to take over.
    pub handovers_more: f64,
}

impl Default for FlowRules {
    fn default() -> Self {
        let rollback = RollbackRules { min_calls: 20, traps_more: 0.02, handovers_more: 0.10 };
        Self { signed_by: Vec::new(), rollback }
    }
}

/// What the clinic wants to reach in a month; whatever is left out is not compared with anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Calls, by advertising.
    pub calls: Option<u32>,
    /// Visits booked in calls.
    pub booked: Option<u32>,
    /// Of them, visits that took place.
    pub arrived: Option<u32>,
    /// Answered within 20 seconds, per cent of all calls, at least.
    pub in_time_percent: Option<u32>,
    /// Lost, per cent of all calls, at most.
    pub lost_percent: Option<u32>,
    /// Non-target, per cent of calls with a category, at most.
    pub non_target_percent: Option<u32>,
}

/// How long what was said is kept, and with which key it is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Privacy {
    /// Journals of calls are deleted after so many days.
    pub journal_days: u32,
    /// Recordings.
    pub audio_days: u32,
    /// What was said, as text.
    pub transcript_days: u32,
    /// Who called, came, was to be called back.
    pub contact_days: u32,
    /// What the clinic wrote to people.
    pub message_days: u32,
    /// Written conversations, from their last message.
    pub chat_days: u32,
    /// The file with the key, already joined to the clinic file's folder; none = among the program's own data.
    pub journal_key: Option<PathBuf>,
}

impl Default for Privacy {
    fn default() -> Self {
        Self {
            journal_days: 90,
            audio_days: 180,
            transcript_days: 730,
            contact_days: 1825,
            message_days: 365,
            chat_days: 730,
            journal_key: None,
        }
    }
}

impl Privacy {
    /// The terms as the records take them.
    pub fn terms(&self) -> records::Terms {
        records::Terms {
            audio_days: self.audio_days,
            transcript_days: self.transcript_days,
            journal_days: self.journal_days,
            contact_days: self.contact_days,
            message_days: self.message_days,
            chat_days: self.chat_days,
        }
    }
}

/// A clinic file, checked. What the fields mean and what stands in for those that are left out is written in
/// `clinics/vet_lapa.toml`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clinic {
    /// Stable; part of every record.
    pub id: String,
    /// As a caller should hear it.
    pub name: String,
    /// Whom it treats.
    pub kind: Kind,
    /// IANA name.
    pub timezone: String,
    /// The zone itself.
    #[serde(skip)]
    pub zone: TimeZone,
    /// What it offers.
    pub services: Vec<Service>,
    /// What callers ask for in vain.
    pub absent: Vec<String>,
    /// Questions and answers.
    pub faq: Vec<FaqEntry>,
    /// At least one.
    pub doctors: Vec<Doctor>,
    /// Opening hours.
    pub hours: WeeklyHours,
    /// Days that differ. Of several for one day the last one stands.
    pub exceptions: Vec<Exception>,
    /// Days that are closed but for an exception.
    pub holidays: Vec<Holiday>,
    /// Its places; empty = one, with the clinic's own address and hours.
    pub branches: Vec<Branch>,
    /// Rooms and machines that visits need.
    pub resources: Vec<Resource>,
    /// Why visits are lost.
    pub lost_reasons: Vec<LostReason>,
    /// Phone lines by name: a number or a SIP address, as text.
    pub lines: BTreeMap<String, String>,
    /// What a minute on the line costs the clinic.
    pub minute_cost: Option<Money>,
    /// Of every price.
    pub currency: Currency,
    /// As a caller should hear it; empty when not given.
    pub address: String,
    /// The clinic's own number, E.164; empty when not given.
    pub phone: String,
    /// Folder of recorded prompts, already joined to the file's folder.
    pub prompts: Option<PathBuf>,
    /// What is said about recording, right after the greeting; empty = nothing.
    pub recording_notice: String,
    /// A call-back is due this many minutes after it was asked for.
    pub callback_minutes: u32,
    /// Visits start every so many minutes from the opening of a span.
    pub slot_step: u32,
    /// So many days ahead can be booked.
    pub horizon_days: u32,
    /// Of the programs that hold its conversations.
    pub flows: FlowRules,
    /// Of what was said.
    pub privacy: Privacy,
    /// The cycle of reminders.
    pub reminders: Reminders,
    /// How people who are to be called are called.
    pub requests: RequestRules,
    /// The clinic's own texts.
    pub templates: Wording,
    /// Answers that operators send by one click.
    pub canned: Vec<Canned>,
    /// For a month.
    pub plan: Plan,
}

impl Clinic {
    /// Reads and checks a clinic file.
    ///
    /// # Errors
    /// Every mistake in the file at once, each with its line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ClinicErrors> {
        file::load(path.as_ref())
    }

    /// Checks the text of a clinic file; `name` is what errors call it.
    ///
    /// # Errors
    /// Every mistake at once, each with its line.
    pub fn parse(text: &str, name: &str) -> Result<Self, ClinicErrors> {
        file::parse(text, name, Path::new(""))
    }

    /// Hours of one day, exceptions applied.
    pub fn hours(&self, date: Date) -> DayHours {
        match exception(&self.exceptions, date) {
            Some(exception) => DayHours { date, spans: exception.spans.clone(), note: exception.note.clone() },
            None if self.holidays.iter().any(|holiday| holiday.is(date)) => {
                DayHours { date, spans: Vec::new(), note: "это праздничный день".to_owned() }
            }
            None => DayHours { date, spans: self.hours.on(date).to_vec(), note: String::new() },
        }
    }

    /// Whether the clinic is open at this moment.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let local = self.local(now);
        self.hours(local.date()).spans.iter().any(|span| span.contains(Minute::from(local.time())))
    }

    /// The first moment at or after `now` at which it is open; none if it stays closed for a year.
    pub fn next_open(&self, now: Timestamp) -> Option<Timestamp> {
        let local = self.local(now);
        let minute = Minute::from(local.time());
        let mut date = local.date();
        for day in 0..366 {
            for span in &self.hours(date).spans {
                if day == 0 && span.contains(minute) {
                    return Some(now);
                }
                if day > 0 || span.opens > minute {
                    return self.instant(date, span.opens);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The clinic's wall clock.
    pub fn local(&self, now: Timestamp) -> DateTime {
        self.zone.to_datetime(now)
    }

    /// The moment of a minute of a day. A minute that a clock change skips or repeats is resolved as RFC 5545 does: skipped
    /// ones move forward by the gap, of repeated ones the first counts.
    pub fn instant(&self, date: Date, minute: Minute) -> Option<Timestamp> {
        let (date, minute) =
            if minute == Minute::END { (date.checked_add(1.day()).ok()?, Minute::START) } else { (date, minute) };
        self.zone.to_ambiguous_timestamp(date.to_datetime(minute.time())).compatible().ok()
    }

    /// A service by its id, or by its name as the file has it.
    pub fn service(&self, id: &str) -> Option<&Service> {
        let by_id = self.services.iter().find(|service| service.id == id);
        by_id.or_else(|| self.services.iter().find(|service| service.name == id))
    }

    /// A branch by its id or name.
    pub fn branch(&self, id: &str) -> Option<&Branch> {
        let by_id = self.branches.iter().find(|branch| branch.id == id);
        by_id.or_else(|| self.branches.iter().find(|branch| branch.name == id))
    }

    /// Hours of a branch on one day: its own exceptions, then the clinic's, then its own week, then the clinic's.
    pub fn branch_hours(&self, branch: &Branch, date: Date) -> Vec<Span> {
        if let Some(exception) = exception(&branch.exceptions, date) {
            return exception.spans.clone();
        }
        let closed = self.holidays.iter().any(|holiday| holiday.is(date));
        match &branch.hours {
            Some(hours) if !closed && exception(&self.exceptions, date).is_none() => hours.on(date).to_vec(),
            _ => self.hours(date).spans,
        }
    }

    /// Where and when a doctor works on one day: the branch's place in the file (none = the clinic's one place) and the
    /// hours there, cut by the hours of the place and by breaks.
    pub fn working(&self, doctor: &Doctor, date: Date) -> Vec<(Option<usize>, Vec<Span>)> {
        let places: Vec<Vec<Span>> = match self.branches.is_empty() {
            true => vec![self.hours(date).spans],
            false => self.branches.iter().map(|branch| self.branch_hours(branch, date)).collect(),
        };
        self.working_in(doctor, date, &places)
    }

    /// The same when the hours of every place on that day are known.
    pub(crate) fn working_in(
        &self,
        doctor: &Doctor,
        date: Date,
        places: &[Vec<Span>],
    ) -> Vec<(Option<usize>, Vec<Span>)> {
        let breaks = doctor.breaks.on(date);
        let cut = |own: Option<&[Span]>, place: usize| {
            let open = places.get(place).map(Vec::as_slice).unwrap_or_default();
            let spans = own.map_or_else(|| open.to_vec(), |own| intersect(own, open));
            if breaks.is_empty() { spans } else { subtract(&spans, breaks) }
        };
        if self.branches.is_empty() {
            return vec![(None, cut(doctor.spans(date), 0))];
        }
        let place = |id: &str| self.branches.iter().position(|branch| branch.id == id);
        if let Some(exception) = exception(&doctor.exceptions, date) {
            // A changed day is spent where the doctor would have been that day, else where they are first of all.
            let works = |(_, hours): &&(String, Option<WeeklyHours>)| {
                hours.as_ref().is_none_or(|hours| !hours.on(date).is_empty())
            };
            let branch = doctor.branches.iter().find(works).or(doctor.branches.first());
            let at = branch.and_then(|(id, _)| place(id));
            return at.map(|at| (Some(at), cut(Some(&exception.spans), at))).into_iter().collect();
        }
        let at = |(id, hours): &(String, Option<WeeklyHours>)| {
            let at = place(id)?;
            let own = hours.as_ref().or(doctor.hours.as_ref()).map(|hours| hours.on(date));
            Some((Some(at), cut(own, at)))
        };
        doctor.branches.iter().filter_map(at).collect()
    }

    /// A doctor by id.
    pub fn doctor(&self, id: &str) -> Option<&Doctor> {
        self.doctors.iter().find(|doctor| doctor.id == id)
    }
}

impl Doctor {
    /// Working hours of one day, exceptions applied, not yet cut by the clinic's; none = whenever the clinic is open.
    pub fn spans(&self, date: Date) -> Option<&[Span]> {
        match exception(&self.exceptions, date) {
            Some(exception) => Some(&exception.spans),
            None => self.hours.as_ref().map(|hours| hours.on(date)),
        }
    }

    /// Whether that day is unlike its weekday.
    pub(crate) fn is_changed_on(&self, date: Date) -> bool {
        exception(&self.exceptions, date).is_some()
    }

    /// How long a visit for a service takes with this doctor.
    pub fn visit_minutes(&self, service: &Service) -> u32 {
        self.minutes.get(&service.id).copied().unwrap_or(service.minutes)
    }

    /// The same for somebody who comes for the first time: never shorter.
    pub fn first_visit_minutes(&self, service: &Service) -> u32 {
        let usual = self.visit_minutes(service);
        self.first_minutes.get(&service.id).copied().or(service.first_minutes).map_or(usual, |first| first.max(usual))
    }

    /// Minutes after a visit before the next one may begin.
    pub fn buffer_minutes(&self, service: &Service) -> u32 {
        self.buffer.unwrap_or(service.buffer)
    }
}

impl Holiday {
    /// Whether it is this day.
    pub fn is(self, date: Date) -> bool {
        self.year.is_none_or(|year| year == date.year()) && (self.month, self.day) == (date.month(), date.day())
    }
}

impl Resource {
    /// What a visit in a branch claims: machines of another branch are other machines. None when that branch has none.
    pub fn at(&self, branch: Option<&Branch>) -> Option<String> {
        match branch {
            None => Some(self.id.clone()),
            Some(branch) if self.branches.is_empty() || self.branches.contains(&branch.id) => {
                Some(format!("{}@{}", self.id, branch.id))
            }
            Some(_) => None,
        }
    }

    /// The hours of a day at which it can be used; none = all.
    pub fn spans(&self, date: Date) -> Option<&[Span]> {
        exception(&self.exceptions, date).map(|exception| exception.spans.as_slice())
    }
}

fn exception(exceptions: &[Exception], date: Date) -> Option<&Exception> {
    exceptions.iter().rfind(|exception| exception.from <= date && date <= exception.to)
}
