//! Keeps one clinic's visits and one portal's deals equal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use desk::Hand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use records::{BookingRecord, FeedEvent, Link, LinkKind, LinkWork, ReadTo, RecordsError, Status, Store};
use serde_json::{Map, Value, json};

use super::client::{CallError, Portal, batch};
use super::sync::{Action, Ours, Push, Pushed, Rules, Seen, Step, Theirs, Why, decide};
use crate::{Changed, House, PortalSettings, Result};

/// Whom changes that come from the portal are by.
pub(super) const BY: &str = "bitrix24";
/// So many pairs are worked off with one set of requests.
const AT_ONCE: u32 = 20;
/// Rounds of one turn; what is left then waits for the next.
const ROUNDS: usize = 10;
/// A request whose answer was lost may still be at work in the portal; only then is looked whether it was done.
const SETTLE_MS: i64 = 10_000;
/// Pauses after failures grow up to this.
const LONGEST_HOLD_MS: i64 = 15_000;
/// What a method refused is tried again after so long.
const REFUSED_MS: i64 = 60_000;
const PAGE: u32 = 500;
/// The portal's own page.
const THEIR_PAGE: usize = 50;

/// Keeps visits and deals equal. One task a portal; every function takes the time it is called at.
pub struct Bridge<P> {
    pub(super) store: Store,
    pub(super) settings: PortalSettings,
    pub(super) portal: P,
    house: Arc<dyn House>,
    hold_until_ms: i64,
    failures: u32,
    next_poll_ms: i64,
    /// How far the portal's clock is ahead of ours.
    skew_ms: i64,
}

/// What a turn came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// When the next one is due, unless the feed's bell rings before.
    pub next_ms: i64,
    /// What stopped it; none = everything that was due was done.
    pub trouble: Option<String>,
}

/// What stops a turn.
pub(super) enum Trouble {
    Records(RecordsError),
    Call(CallError),
}

/// What a look at a pair came to.
enum Settled {
    Equal,
    /// This is left to change in the deal, and both are like that then.
    Push(Push, Seen),
    /// Nothing can be said now; the others need not wait for it.
    Later(&'static str, i64),
}

impl From<RecordsError> for Trouble {
    fn from(error: RecordsError) -> Self {
        Self::Records(error)
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl<P: Portal> Bridge<P> {
    /// A bridge to a portal. One that is new begins with what happens from now on.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn new(store: Store, settings: PortalSettings, portal: P, house: Arc<dyn House>) -> Result<Self> {
        if store.connector_position(&settings.name).await?.is_none() {
            let end = store.feed_end().await?;
            store.mark_links(&settings.name, &[], ReadTo::Feed(end), 0).await?;
        }
        Ok(Self { store, settings, portal, house, hold_until_ms: 0, failures: 0, next_poll_ms: 0, skew_ms: 0 })
    }

    /// Reads what changed on both sides and settles what is due.
    ///
    /// # Errors
    /// When the records cannot be read or written. Failures of the portal are waited out: they are in the result.
    pub async fn turn(&mut self, now_ms: i64) -> Result<Turn> {
        self.read_feed(now_ms).await?;
        let mut trouble = None;
        if now_ms >= self.hold_until_ms {
            match self.serve(now_ms).await {
                Ok(()) => self.failures = 0,
                Err(Trouble::Records(error)) => return Err(error.into()),
                Err(Trouble::Call(error)) => {
                    let pause_ms = (1_000 << self.failures.min(4)).min(LONGEST_HOLD_MS);
                    self.failures += 1;
                    let after_ms = if let CallError::Later { after_ms, .. } = error { after_ms } else { 0 };
                    self.hold_until_ms = now_ms + pause_ms.max(after_ms);
                    tracing::warn!(portal = self.settings.name, %error, pause_ms, "the portal was not served");
                    trouble = Some(error.to_string());
                }
            }
        }
        let due_ms = self.store.next_link_ms(&self.settings.name).await?.unwrap_or(i64::MAX);
        let next_ms = due_ms.min(self.next_poll_ms).max(self.hold_until_ms).max(now_ms);
        Ok(Turn { next_ms, trouble })
    }

    /// Marks what the portal said has changed; the next turn looks at it.
    ///
    /// # Errors
    /// When the records cannot be read or written.
    pub async fn deal_changed(store: &Store, name: &str, deal: &str, now_ms: i64) -> Result<()> {
        if let Some(link) = store.link_of_theirs(name, LinkKind::Deal, deal).await? {
            store.mark_links(name, &[(LinkKind::Deal, link.ours)], ReadTo::Nothing, now_ms).await?;
        }
        Ok(())
    }

    async fn read_feed(&self, now_ms: i64) -> Result<()> {
        let name = &self.settings.name;
        let mut after = self.store.connector_position(name).await?.unwrap_or(0);
        loop {
            let events = self.store.feed(after, Some(&self.settings.clinic), PAGE).await?;
            let Some(last) = events.last() else { return Ok(()) };
            after = last.position;
            let marks: BTreeSet<(LinkKind, String)> = events.iter().filter_map(|event| self.mark(event)).collect();
            let marks: Vec<_> = marks.into_iter().collect();
            self.store.mark_links(name, &marks, ReadTo::Feed(after), now_ms).await?;
        }
    }

    fn mark(&self, event: &FeedEvent) -> Option<(LinkKind, String)> {
        let kind = match event.kind.split('.').next()? {
            "visit" => LinkKind::Deal,
            "call" if event.kind == "call.ended" && self.settings.leads != crate::settings::Leads::None => {
                LinkKind::Lead
            }
            _ => return None,
        };
        Some((kind, event.subject.clone()))
    }

    async fn serve(&mut self, now_ms: i64) -> std::result::Result<(), Trouble> {
        if now_ms >= self.next_poll_ms {
            self.poll(now_ms).await?;
            self.next_poll_ms = now_ms + self.settings.poll_s * 1_000;
        }
        for _ in 0..ROUNDS {
            let due = self.store.due_links(&self.settings.name, now_ms, AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            let (deals, leads): (Vec<_>, Vec<_>) = due.into_iter().partition(|work| work.kind == LinkKind::Deal);
            if !deals.is_empty() {
                self.deals(&deals, now_ms).await?;
            }
            if !leads.is_empty() {
                self.leads(&leads, now_ms).await?;
            }
        }
        Ok(())
    }

    /// Reads what changed in the portal since it was last asked. Its own times are the cursor, so that clocks need not
    /// agree; the last second is read twice.
    async fn poll(&mut self, now_ms: i64) -> std::result::Result<(), Trouble> {
        let name = self.settings.name.clone();
        let since = self.store.link_cursor(&name).await?;
        let mut cursor = since.clone();
        let mut marks = Vec::new();
        let mut after = 0_i64;
        loop {
            let mut filter = json!({ "ORIGINATOR_ID": self.origin(), ">ID": after });
            if let Some(since) = &since {
                filter[">=DATE_MODIFY"] = json!(since);
            }
            let rows = self.list("crm.deal.list", filter, self.deal_fields(), now_ms).await?;
            for row in &rows {
                after = after.max(text(row, "ID").parse().unwrap_or(0));
                let modified = text(row, "DATE_MODIFY");
                if cursor.as_ref().is_none_or(|cursor| instant(cursor) < instant(modified))
                    && instant(modified).is_some()
                {
                    cursor = Some(modified.to_owned());
                }
                let theirs = self.theirs(row);
                let ours = match self.store.link_of_theirs(&name, LinkKind::Deal, text(row, "ID")).await? {
                    Some(link) => {
                        let seen = seen(&link);
                        let same = |seen: &Seen| seen.pushing.is_empty() && same(&seen.theirs, &theirs);
                        if seen.as_ref().is_some_and(same) { None } else { Some(link.ours) }
                    }
                    None => Some(text(row, "ORIGIN_ID").to_owned()),
                };
                marks.extend(ours.map(|ours| (LinkKind::Deal, ours)));
            }
            if rows.len() < THEIR_PAGE {
                break;
            }
        }
        if !marks.is_empty() || cursor != since {
            let read_to = cursor.as_deref().map_or(ReadTo::Nothing, ReadTo::Cursor);
            self.store.mark_links(&name, &marks, read_to, now_ms).await?;
        }
        Ok(())
    }

    /// Looks at visits and their deals, and settles every difference.
    async fn deals(&mut self, works: &[LinkWork], now_ms: i64) -> std::result::Result<(), Trouble> {
        let name = self.settings.name.clone();
        let ids: Vec<&str> = works.iter().map(|work| work.ours.as_str()).collect();
        let links: BTreeMap<String, Link> = self
            .store
            .links(&name, LinkKind::Deal, &ids)
            .await?
            .into_iter()
            .map(|link| (link.ours.clone(), link))
            .collect();
        let mut done = Vec::new();
        let mut missing = Vec::new();
        let mut pairs: Vec<(&LinkWork, Link)> = Vec::new();
        for work in works {
            if let Some(link) = links.get(&work.ours) {
                pairs.push((work, link.clone()));
                continue;
            }
            match self.store.visit(&work.ours).await {
                Ok(visit) if visit.clinic == self.settings.clinic => missing.push((work, visit)),
                // Erased, or a deal that a person copied from another installation's.
                Ok(_) | Err(RecordsError::NotFound { .. }) => done.push(work),
                Err(error) => return Err(error.into()),
            }
        }
        if !missing.is_empty() {
            let (found, added) = self.find_or_add(&missing, now_ms).await?;
            pairs.extend(found);
            done.extend(added);
        }
        let rows = self.read_deals(&pairs, now_ms).await?;
        let mut pushes = Vec::new();
        for (work, mut link) in pairs {
            let Some(mut known) = seen(&link).filter(|seen| !seen.gone) else {
                done.push(work);
                continue;
            };
            let Some(row) = rows.get(&link.theirs) else {
                tracing::warn!(portal = name, deal = link.theirs, "the deal was deleted; its visit is left alone");
                known.gone = true;
                self.note(&mut link, &known, now_ms).await?;
                done.push(work);
                continue;
            };
            match self.settle(&mut link, &known, self.theirs(row), now_ms).await? {
                Settled::Equal => done.push(work),
                Settled::Push(push, after) => pushes.push((work, link, (push, after))),
                Settled::Later(why, after_ms) => self.store.link_later(work, why, now_ms + after_ms).await?,
            }
        }
        self.store.links_done(&done).await?;
        self.push(pushes, now_ms).await
    }

    /// Changes the visit as far as it is to be changed; what is left to change in the deal, if anything is.
    async fn settle(
        &mut self,
        link: &mut Link,
        known: &Seen,
        theirs: Theirs,
        now_ms: i64,
    ) -> std::result::Result<Settled, Trouble> {
        let mut refused_ms = None;
        let hand = Hand::person(BY, Timestamp::from_millisecond(now_ms).unwrap_or_default());
        // Two steps, a move and one more look are the longest way; a visit that changes under our hands is looked at anew.
        for _ in 0..8 {
            let visit = match self.store.visit(&link.ours).await {
                Ok(visit) => visit,
                Err(RecordsError::NotFound { .. }) => return Ok(Settled::Equal),
                Err(error) => return Err(error.into()),
            };
            let history = self.store.booking_history(&visit.id).await?;
            let by_program = |by: &str, status: Status| by == BY || status.as_str() == "reminded";
            let ours = Ours {
                status: visit.status,
                start_ms: visit.start_ms,
                changed_ms: visit.updated_ms,
                by_person: history.last().is_none_or(|last| !by_program(&last.change.by, last.status)),
            };
            let rules =
                Rules { stages: &self.settings.stages, times: self.settings.time_field.is_some(), now_ms, refused_ms };
            let stands = Pushed { stage: theirs.stage.clone(), start_ms: theirs.start_ms };
            let now =
                Seen { status: ours.status, start_ms: ours.start_ms, theirs: stands, pushing: Vec::new(), gone: false };
            match decide(&ours, &theirs, known, rules) {
                Action::Equal => {
                    if *known != now {
                        self.note(link, &now, now_ms).await?;
                    }
                    return Ok(Settled::Equal);
                }
                Action::Change(step) => {
                    let changed = match step {
                        Step::Become(status) => self.house.set_status(&visit, status, hand).await?,
                        Step::Start(start_ms) => self.house.move_visit(&visit, start_ms, hand).await?,
                    };
                    match (changed, step) {
                        (Changed::Later, _) => {
                            return Ok(Settled::Later("the owner of the schedule does not answer", REFUSED_MS));
                        }
                        (Changed::No, Step::Start(start_ms)) => refused_ms = Some(start_ms),
                        // A status that cannot be any more: somebody was quicker, look again.
                        _ => {}
                    }
                }
                Action::Push(push) => {
                    let mut pushing = known.clone();
                    let pushed = Pushed {
                        stage: push.stage.clone().unwrap_or_else(|| theirs.stage.clone()),
                        start_ms: push.start_ms.or(theirs.start_ms),
                    };
                    if !pushing.pushing.contains(&pushed) {
                        pushing.pushing.push(pushed.clone());
                        let spare = pushing.pushing.len().saturating_sub(8);
                        pushing.pushing.drain(..spare);
                    }
                    // Before it is sent: an answer that is lost must not make our own change look like theirs.
                    self.note(link, &pushing, now_ms).await?;
                    return Ok(Settled::Push(push, Seen { theirs: pushed, ..now }));
                }
            }
        }
        Ok(Settled::Later("the visit changes all the time, or the desk refuses the step", SETTLE_MS))
    }

    /// Brings deals to what was decided, and says in them what was put back.
    async fn push(
        &mut self,
        pushes: Vec<(&LinkWork, Link, (Push, Seen))>,
        now_ms: i64,
    ) -> std::result::Result<(), Trouble> {
        if pushes.is_empty() {
            return Ok(());
        }
        let mut commands = Vec::new();
        for (_, link, (push, _)) in &pushes {
            let mut fields = Map::new();
            if let Some(stage) = &push.stage {
                fields.insert("STAGE_ID".into(), json!(stage));
            }
            if let (Some(field), Some(start_ms)) = (&self.settings.time_field, push.start_ms) {
                fields.insert(field.clone(), json!(self.time(start_ms)));
            }
            commands.push(("crm.deal.update", json!({ "id": link.theirs, "fields": fields })));
        }
        let results = batch(&self.portal, &commands).await?;
        let mut comments = Vec::new();
        let mut done = Vec::new();
        for ((work, mut link, (push, after)), result) in pushes.into_iter().zip(results) {
            match result {
                Ok(_) => {
                    if let Some(comment) = self.comment(&push) {
                        let fields = json!({ "ENTITY_ID": link.theirs, "ENTITY_TYPE": "deal", "COMMENT": comment });
                        comments.push(("crm.timeline.comment.add", json!({ "fields": fields })));
                    }
                    self.note(&mut link, &after, now_ms).await?;
                    done.push(work);
                }
                Err(refusal) => {
                    tracing::error!(
                        portal = self.settings.name,
                        deal = link.theirs,
                        %refusal,
                        "the portal does not take a change; compare `stages` and `time_field` with the funnel"
                    );
                    self.store.link_later(work, &refusal.to_string(), now_ms + REFUSED_MS).await?;
                }
            }
        }
        self.store.links_done(&done).await?;
        if !comments.is_empty() {
            // The deals are right already: a comment that is lost is not sent again.
            batch(&self.portal, &comments).await?;
        }
        Ok(())
    }

    /// Pairs of visits that have no link yet: found when the link was lost, else added. The second list is what needs no
    /// further look.
    async fn find_or_add<'w>(
        &mut self,
        missing: &[(&'w LinkWork, BookingRecord)],
        now_ms: i64,
    ) -> std::result::Result<(Vec<(&'w LinkWork, Link)>, Vec<&'w LinkWork>), Trouble> {
        let ids: Vec<&str> = missing.iter().map(|(work, _)| work.ours.as_str()).collect();
        let filter = json!({ "ORIGINATOR_ID": self.origin(), "@ORIGIN_ID": ids });
        let rows = self.list("crm.deal.list", filter, self.deal_fields(), now_ms).await?;
        let mut found = Vec::new();
        let mut new = Vec::new();
        for (work, visit) in missing {
            let mut mine = rows.iter().filter(|row| text(row, "ORIGIN_ID") == work.ours);
            let Some(row) = mine.next() else {
                new.push((*work, visit));
                continue;
            };
            if mine.next().is_some() {
                tracing::warn!(
                    portal = self.settings.name,
                    visit = work.ours,
                    "several deals of one visit; the first counts"
                );
            }
            let theirs = self.theirs(row);
            let as_it_is = Pushed { stage: theirs.stage, start_ms: theirs.start_ms };
            // How it was when we added it stands in the deal itself.
            let seen = added_as(text(row, "ADDITIONAL_INFO")).unwrap_or(Seen {
                status: visit.status,
                start_ms: visit.start_ms,
                theirs: as_it_is,
                pushing: Vec::new(),
                gone: false,
            });
            let mut link = self.link(LinkKind::Deal, &work.ours, text(row, "ID"), now_ms);
            self.note(&mut link, &seen, now_ms).await?;
            found.push((*work, link));
        }
        let added = if new.is_empty() { Vec::new() } else { self.add_deals(&new, now_ms).await? };
        Ok((found, added))
    }

    async fn add_deals<'w>(
        &mut self,
        new: &[(&'w LinkWork, &BookingRecord)],
        now_ms: i64,
    ) -> std::result::Result<Vec<&'w LinkWork>, Trouble> {
        let people: Vec<(&str, &str, &str)> =
            new.iter().map(|(work, visit)| (visit.phone.as_str(), visit.person.as_str(), work.ours.as_str())).collect();
        let contacts = self.contacts(&people).await?;
        let leads = self.leads_of(new, now_ms).await?;
        let mut commands: Vec<(&str, Value)> = new
            .iter()
            .map(|(work, visit)| {
                let contact = contacts.get(visit.phone.as_str()).map(String::as_str);
                ("crm.deal.add", json!({ "fields": self.new_deal(&work.ours, visit, contact) }))
            })
            .collect();
        if let Some(status) = &self.settings.lead_booked {
            for lead in &leads {
                commands.push(("crm.lead.update", json!({ "id": lead, "fields": { "STATUS_ID": status } })));
            }
        }
        let results = match batch(&self.portal, &commands).await {
            Ok(results) => results,
            Err(CallError::Unsure(why)) => {
                // Perhaps they are there, perhaps they are being made: look later, and only then add again.
                for (work, _) in new {
                    self.store.link_later(work, &why, now_ms + SETTLE_MS).await?;
                }
                return Err(CallError::Unsure(why).into());
            }
            Err(error) => return Err(error.into()),
        };
        let mut added = Vec::new();
        for ((work, visit), result) in new.iter().zip(&results) {
            match result {
                Ok(id) => {
                    let mut link = self.link(LinkKind::Deal, &work.ours, &number(id), now_ms);
                    let seen = self.as_added(visit);
                    self.note(&mut link, &seen, now_ms).await?;
                    added.push(*work);
                }
                Err(refusal) => {
                    tracing::error!(
                        portal = self.settings.name,
                        visit = work.ours,
                        %refusal,
                        "the portal does not take a deal; compare `category` and `stages` with the funnel"
                    );
                    self.store.link_later(work, &refusal.to_string(), now_ms + REFUSED_MS).await?;
                }
            }
        }
        Ok(added)
    }

    fn new_deal(&self, id: &str, visit: &BookingRecord, contact: Option<&str>) -> Value {
        let seen = self.as_added(visit);
        let title = format!("{}: {}", self.house.service(&visit.service), self.house.doctor(&visit.doctor));
        let about = [visit.animal.as_str(), visit.reason.as_str()];
        let about: Vec<&str> = about.into_iter().filter(|part| !part.is_empty()).collect();
        let mut fields = json!({
            "TITLE": title,
            "CATEGORY_ID": self.settings.category,
            "STAGE_ID": seen.theirs.stage,
            "ORIGINATOR_ID": self.origin(),
            "ORIGIN_ID": id,
            "ADDITIONAL_INFO": format!("gudok {} {} {}", seen.status, seen.start_ms, seen.theirs.stage),
            "COMMENTS": about.join("; "),
            "SOURCE_ID": "CALL",
        });
        if let Some(contact) = contact {
            fields["CONTACT_ID"] = json!(contact);
        }
        if let Some(responsible) = self.settings.responsible {
            fields["ASSIGNED_BY_ID"] = json!(responsible);
        }
        if let Some(field) = &self.settings.time_field {
            fields[field] = json!(self.time(visit.start_ms));
        }
        fields
    }

    fn as_added(&self, visit: &BookingRecord) -> Seen {
        let theirs = Pushed {
            stage: self.settings.stages.stage_of(visit.status).to_owned(),
            start_ms: self.settings.time_field.as_ref().map(|_| visit.start_ms),
        };
        Seen { status: visit.status, start_ms: visit.start_ms, theirs, pushing: Vec::new(), gone: false }
    }

    async fn read_deals(
        &mut self,
        pairs: &[(&LinkWork, Link)],
        now_ms: i64,
    ) -> std::result::Result<BTreeMap<String, Value>, Trouble> {
        let ids: Vec<&str> = pairs.iter().map(|(_, link)| link.theirs.as_str()).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.list("crm.deal.list", json!({ "@ID": ids }), self.deal_fields(), now_ms).await?;
        Ok(rows.into_iter().map(|row| (text(&row, "ID").to_owned(), row)).collect())
    }

    /// One page of a list, by id, without counting what else there is.
    pub(super) async fn list(
        &mut self,
        method: &str,
        filter: Value,
        select: Vec<String>,
        now_ms: i64,
    ) -> std::result::Result<Vec<Value>, Trouble> {
        let params = json!({ "filter": filter, "select": select, "order": { "ID": "ASC" }, "start": -1 });
        let mut answer = self.portal.call(method, &params).await?;
        if let Some(theirs) = answer["time"]["date_finish"].as_str().and_then(instant) {
            self.skew_ms = theirs - now_ms;
        }
        match answer["result"].take() {
            Value::Array(rows) => Ok(rows),
            _ => Err(CallError::Unsure(format!("{method} answered with no list")).into()),
        }
    }

    fn deal_fields(&self) -> Vec<String> {
        let plain = ["ID", "STAGE_ID", "ORIGIN_ID", "ADDITIONAL_INFO", "DATE_MODIFY"];
        plain.into_iter().map(str::to_owned).chain(self.settings.time_field.clone()).collect()
    }

    fn theirs(&self, row: &Value) -> Theirs {
        let field = self.settings.time_field.as_deref();
        Theirs {
            stage: text(row, "STAGE_ID").to_owned(),
            start_ms: field.and_then(|field| instant(text(row, field))),
            changed_ms: instant(text(row, "DATE_MODIFY")).unwrap_or(0) - self.skew_ms,
        }
    }

    pub(super) fn link(&self, kind: LinkKind, ours: &str, theirs: &str, now_ms: i64) -> Link {
        Link {
            connector: self.settings.name.clone(),
            kind,
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
            seen: Value::Null,
            updated_ms: now_ms,
        }
    }

    async fn note(&self, link: &mut Link, seen: &Seen, now_ms: i64) -> std::result::Result<(), Trouble> {
        link.seen = serde_json::to_value(seen).expect("invariant: what was seen is JSON");
        link.updated_ms = now_ms;
        Ok(self.store.put_link(link).await?)
    }

    /// Whose records ours are in the portal.
    pub(super) fn origin(&self) -> String {
        format!("gudok/{}", self.settings.clinic)
    }

    /// On the clinic's wall clock, with its offset.
    pub(super) fn time(&self, ms: i64) -> String {
        let at = Timestamp::from_millisecond(ms).unwrap_or_default();
        let zone = TimeZone::get(self.house.zone()).unwrap_or(TimeZone::UTC);
        at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    fn comment(&self, push: &Push) -> Option<String> {
        let clock = |ms: i64| {
            let at = Timestamp::from_millisecond(ms).unwrap_or_default();
            let zone = TimeZone::get(self.house.zone()).unwrap_or(TimeZone::UTC);
            at.to_zoned(zone).strftime("%d.%m.%Y %H:%M").to_string()
        };
        let sentences = push.because.iter().map(|why| match why {
            Why::Impossible(from, to) => format!(
                "Гудок вернул стадию: визит, который {}, не может стать таким: {}.",
                in_russian(*from),
                in_russian(*to)
            ),
            Why::Later => "Гудок вернул прежнее: визит изменили позже, чем сделку.".to_owned(),
            Why::Taken(ms) => format!("Гудок вернул время: {} занято или вне приёма.", clock(*ms)),
            Why::Past(ms) => format!("Гудок вернул время: {} уже прошло.", clock(*ms)),
            Why::Unmovable(status) => {
                format!("Гудок вернул время: визит, который {}, перенести нельзя.", in_russian(*status))
            }
            Why::Cleared => "Гудок вернул время: у записи на приём должно быть время.".to_owned(),
        });
        let text = sentences.collect::<Vec<_>>().join("\n");
        (!text.is_empty()).then_some(text)
    }
}

fn in_russian(status: Status) -> &'static str {
    match status.as_str() {
        "booked" => "записан",
        "reminded" => "напомнен",
        "confirmed" => "подтверждён",
        "arrived" => "начался",
        "done" => "состоялся",
        "moved" => "перенесён",
        "cancelled" => "отменён",
        _ => "не состоялся: не пришли",
    }
}

fn seen(link: &Link) -> Option<Seen> {
    serde_json::from_value(link.seen.clone()).ok()
}

fn same(pushed: &Pushed, theirs: &Theirs) -> bool {
    pushed.stage == theirs.stage && pushed.start_ms.map(second) == theirs.start_ms.map(second)
}

fn second(ms: i64) -> i64 {
    ms.div_euclid(1_000)
}

/// What we wrote into a deal when we added it: `gudok booked 1795417200000 C2:NEW`.
fn added_as(info: &str) -> Option<Seen> {
    let mut words = info.split(' ');
    let ("gudok", status, start_ms, stage) = (words.next()?, words.next()?, words.next()?, words.next()?) else {
        return None;
    };
    let start_ms = start_ms.parse().ok()?;
    let theirs = Pushed { stage: stage.to_owned(), start_ms: Some(start_ms) };
    Some(Seen { status: status.parse().ok()?, start_ms, theirs, pushing: Vec::new(), gone: false })
}

pub(super) fn text<'v>(row: &'v Value, field: &str) -> &'v str {
    row[field].as_str().unwrap_or_default()
}

/// Ids come as numbers or as text.
pub(super) fn number(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn instant(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
