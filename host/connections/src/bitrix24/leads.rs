//! Leads for calls that brought no booking, and the people in the portal.

use std::collections::{BTreeMap, BTreeSet};

use records::{BookingRecord, CallFilter, CallRecord, Direction, LinkKind, LinkWork, Outcome, Pii, RecordsError};
use serde_json::{Value, json};

use super::bridge::{Bridge, Trouble, number, text};
use super::client::{CallError, Portal, batch};
use crate::settings::Leads;

/// Calls of a person are one matter for so long.
const MATTER_MS: i64 = 30 * 86_400_000;
const SETTLE_MS: i64 = 10_000;
const REFUSED_MS: i64 = 60_000;

impl<P: Portal> Bridge<P> {
    /// Makes leads of the calls that want one. Several calls of one person are one lead for as long as it is open.
    pub(super) async fn leads(&mut self, works: &[LinkWork], now_ms: i64) -> Result<(), Trouble> {
        let name = self.settings.name.clone();
        let mut done = Vec::new();
        let mut wanted: BTreeMap<String, (&LinkWork, CallRecord)> = BTreeMap::new();
        for work in works {
            let linked = !self.store.links(&name, LinkKind::Lead, &[&work.ours]).await?.is_empty();
            match self.store.call(&work.ours).await {
                Ok(call) if !linked && self.wants_lead(&call) => {
                    let phone = call.caller.clone().map(Pii::into_inner).unwrap_or_default();
                    // The next call of the same person finds the lead of this one: it waits for the next round.
                    wanted.entry(phone).or_insert((work, call));
                }
                Ok(_) | Err(RecordsError::NotFound { .. }) => done.push(work),
                Err(error) => return Err(error.into()),
            }
        }
        self.store.links_done(&done).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let open = self.open_leads(&wanted, now_ms).await?;
        let people: Vec<(&str, &str, &str)> =
            wanted.iter().map(|(phone, (work, _))| (phone.as_str(), "", work.ours.as_str())).collect();
        let known = self.known_contacts(&people).await?;
        let mut commands = Vec::new();
        for (phone, (work, call)) in &wanted {
            // Whoever has booked meanwhile was not known as a lead when their deal was made.
            let booked = match &self.settings.lead_booked {
                Some(status) if self.store.has_booked_since(&call.clinic, phone, call.started_ms).await? => {
                    Some(status)
                }
                _ => None,
            };
            match (open.get(phone), booked) {
                (Some((lead, true)), Some(status)) => {
                    commands.push(("crm.lead.update", json!({ "id": lead, "fields": { "STATUS_ID": status } })));
                }
                (Some((lead, true)), None) => commands.push(("crm.lead.get", json!({ "id": lead }))),
                (Some((lead, false)), _) => {
                    let text = format!("Ещё один звонок без записи: {}.", self.time(call.started_ms));
                    let fields = json!({ "ENTITY_ID": lead, "ENTITY_TYPE": "lead", "COMMENT": text });
                    commands.push(("crm.timeline.comment.add", json!({ "fields": fields })));
                }
                (None, booked) => {
                    let mut fields = self.new_lead(&work.ours, phone, call, known.get(phone.as_str()));
                    if let Some(status) = booked {
                        fields["STATUS_ID"] = json!(status);
                    }
                    commands.push(("crm.lead.add", json!({ "fields": fields })));
                }
            }
        }
        let results = match batch(&self.portal, &commands).await {
            Ok(results) => results,
            Err(CallError::Unsure(why)) => {
                for (work, _) in wanted.values() {
                    self.store.link_later(work, &why, now_ms + SETTLE_MS).await?;
                }
                return Err(CallError::Unsure(why).into());
            }
            Err(error) => return Err(error.into()),
        };
        let mut done = Vec::new();
        for ((phone, (work, _)), result) in wanted.iter().zip(results) {
            match (open.get(phone), result) {
                (Some((lead, _)), _) => {
                    self.store.put_link(&self.link(LinkKind::Lead, &work.ours, lead, now_ms)).await?;
                    done.push(*work);
                }
                (None, Ok(id)) => {
                    self.store.put_link(&self.link(LinkKind::Lead, &work.ours, &number(&id), now_ms)).await?;
                    done.push(*work);
                }
                (None, Err(refusal)) => {
                    tracing::error!(portal = name, call = work.ours, %refusal, "the portal does not take a lead");
                    self.store.link_later(work, &refusal.to_string(), now_ms + REFUSED_MS).await?;
                }
            }
        }
        Ok(self.store.links_done(&done).await?)
    }

    fn wants_lead(&self, call: &CallRecord) -> bool {
        let settled = matches!(call.outcome, Some(Outcome::Booked | Outcome::Moved | Outcome::Cancelled));
        let wanted = match self.settings.leads {
            Leads::All => true,
            Leads::FirstTime => call.first_time != Some(false),
            Leads::None => false,
        };
        let known = call.caller.as_ref().is_some_and(|caller| !caller.is_empty());
        wanted && known && !settled && call.direction == Direction::Incoming && call.clinic == self.settings.clinic
    }

    /// By phone: a lead that is open, and whether it is this very call's (added, and the answer lost).
    async fn open_leads(
        &mut self,
        wanted: &BTreeMap<String, (&LinkWork, CallRecord)>,
        now_ms: i64,
    ) -> Result<BTreeMap<String, (String, bool)>, Trouble> {
        let mut open = BTreeMap::new();
        let fields = || ["ID", "ORIGIN_ID", "STATUS_SEMANTIC_ID"].map(str::to_owned).to_vec();
        let ids: Vec<&str> = wanted.values().map(|(work, _)| work.ours.as_str()).collect();
        let filter = json!({ "ORIGINATOR_ID": self.origin(), "@ORIGIN_ID": ids });
        for row in self.list("crm.lead.list", filter, fields(), now_ms).await? {
            let whose = wanted.iter().find(|(_, (work, _))| work.ours == text(&row, "ORIGIN_ID"));
            if let Some((phone, _)) = whose {
                open.entry(phone.clone()).or_insert((text(&row, "ID").to_owned(), true));
            }
        }
        let commands: Vec<(&str, Value)> = wanted.keys().map(|phone| find(phone, "LEAD")).collect();
        let mut of_phone: BTreeMap<String, String> = BTreeMap::new();
        for (phone, result) in wanted.keys().zip(batch(&self.portal, &commands).await?) {
            for id in ids_of(result.ok().as_ref(), "LEAD") {
                of_phone.insert(id, phone.clone());
            }
        }
        let candidates: Vec<&String> = of_phone.keys().collect();
        if !candidates.is_empty() {
            let filter = json!({ "@ID": candidates, "STATUS_SEMANTIC_ID": "P" });
            for row in self.list("crm.lead.list", filter, fields(), now_ms).await? {
                let id = text(&row, "ID");
                if let Some(phone) = of_phone.get(id).filter(|_| text(&row, "STATUS_SEMANTIC_ID") == "P") {
                    open.entry(phone.clone()).or_insert((id.to_owned(), false));
                }
            }
        }
        Ok(open)
    }

    fn new_lead(&self, id: &str, phone: &str, call: &CallRecord, contact: Option<&String>) -> Value {
        let answered = if call.answered_ms.is_some() {
            "Звонок без записи"
        } else {
            "Пропущенный звонок"
        };
        let mut fields = json!({
            "TITLE": format!("{answered}, {}", self.time(call.started_ms)),
            "STATUS_ID": self.settings.lead_status,
            "SOURCE_ID": "CALL",
            "ORIGINATOR_ID": self.origin(),
            "ORIGIN_ID": id,
            "PHONE": [{ "VALUE": phone, "VALUE_TYPE": "MOBILE" }],
        });
        if let Some(category) = &call.category {
            fields["SOURCE_DESCRIPTION"] = json!(category);
        }
        if let Some(contact) = contact {
            fields["CONTACT_ID"] = json!(contact);
        }
        if let Some(responsible) = self.settings.responsible {
            fields["ASSIGNED_BY_ID"] = json!(responsible);
        }
        fields
    }

    /// The contact of every phone, added where there was none. `people`: phone, name, id of what they are needed for.
    pub(super) async fn contacts(
        &mut self,
        people: &[(&str, &str, &str)],
    ) -> Result<BTreeMap<String, String>, Trouble> {
        let mut contacts = self.known_contacts(people).await?;
        let mut missing: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for &(phone, name, id) in people {
            if !phone.is_empty() && !contacts.contains_key(phone) {
                missing.entry(phone).or_insert((name, id));
            }
        }
        let commands: Vec<(&str, Value)> = missing
            .iter()
            .map(|(phone, (name, id))| {
                let name = if name.is_empty() { phone } else { name };
                let fields = json!({
                    "NAME": name,
                    "PHONE": [{ "VALUE": phone, "VALUE_TYPE": "MOBILE" }],
                    "ORIGINATOR_ID": self.origin(),
                    "ORIGIN_ID": id,
                });
                ("crm.contact.add", json!({ "fields": fields }))
            })
            .collect();
        if commands.is_empty() {
            return Ok(contacts);
        }
        // An answer that is lost here is made good by looking for the phone next time.
        for (phone, result) in missing.keys().zip(batch(&self.portal, &commands).await?) {
            match result {
                Ok(id) => {
                    contacts.insert((*phone).to_owned(), number(&id));
                }
                Err(refusal) => {
                    tracing::error!(portal = self.settings.name, %refusal, "the portal does not take a contact");
                }
            }
        }
        Ok(contacts)
    }

    async fn known_contacts(&mut self, people: &[(&str, &str, &str)]) -> Result<BTreeMap<String, String>, Trouble> {
        let phones: BTreeSet<&str> =
            people.iter().map(|(phone, ..)| *phone).filter(|phone| !phone.is_empty()).collect();
        if phones.is_empty() {
            return Ok(BTreeMap::new());
        }
        let commands: Vec<(&str, Value)> = phones.iter().map(|phone| find(phone, "CONTACT")).collect();
        let mut contacts = BTreeMap::new();
        for (phone, result) in phones.iter().zip(batch(&self.portal, &commands).await?) {
            // The oldest is the one the clinic has known longest.
            if let Some(id) = ids_of(result.ok().as_ref(), "CONTACT").into_iter().next() {
                contacts.insert((*phone).to_owned(), id);
            }
        }
        Ok(contacts)
    }

    /// Leads of earlier calls of these visitors.
    pub(super) async fn leads_of(
        &self,
        visits: &[(&LinkWork, &BookingRecord)],
        now_ms: i64,
    ) -> Result<BTreeSet<String>, Trouble> {
        let mut leads = BTreeSet::new();
        if self.settings.lead_booked.is_none() {
            return Ok(leads);
        }
        for (_, visit) in visits.iter().filter(|(_, visit)| !visit.phone.is_empty()) {
            let filter = CallFilter {
                clinic: Some(visit.clinic.clone()),
                caller: Some(visit.phone.clone()),
                from_ms: Some(now_ms - MATTER_MS),
                ..CallFilter::default()
            };
            let calls = self.store.calls(&filter, 50, None).await?.calls;
            let ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
            let links = self.store.links(&self.settings.name, LinkKind::Lead, &ids).await?;
            leads.extend(links.into_iter().map(|link| link.theirs));
        }
        Ok(leads)
    }
}

fn find(phone: &str, entity: &str) -> (&'static str, Value) {
    ("crm.duplicate.findbycomm", json!({ "type": "PHONE", "values": [phone], "entity_type": entity }))
}

fn ids_of(result: Option<&Value>, entity: &str) -> Vec<String> {
    let ids = result.and_then(|result| result.get(entity)).and_then(Value::as_array);
    ids.map(|ids| ids.iter().map(number).collect()).unwrap_or_default()
}
