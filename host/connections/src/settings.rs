//! `connections.toml`: the servers, addresses and secrets of the other systems. Every mistake is told at once, with its
//! section, its key and what to write instead.

mod section;

use std::collections::{BTreeMap, BTreeSet};

use records::Status;
use toml::{Table, Value};

pub use section::Mistake;
use section::{Section, nearest};

use crate::bitrix24::Stages;
use crate::webhooks::{Pattern, SigningSecret};

/// What the server is connected to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Addresses that events are delivered to.
    pub webhooks: Vec<Endpoint>,
    /// Bitrix24 portals, one a clinic.
    pub bitrix24: Vec<PortalSettings>,
    /// The export of calls.
    pub metrica: Option<MetricaSettings>,
    /// Sections of other rooms, as they stand in the file.
    pub rooms: BTreeMap<String, Table>,
}

/// A text nobody prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// An address that events are delivered to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// What it is remembered by: a new name is a new endpoint.
    pub name: String,
    /// Where to.
    pub url: reqwest::Url,
    /// What events are signed with; more than one while a secret is being changed.
    pub secrets: Vec<SigningSecret>,
    /// Of which clinics; empty = all.
    pub clinics: BTreeSet<String>,
    /// Which events.
    pub types: Vec<Pattern>,
    /// Whether names, numbers and reasons are sent too.
    pub personal: bool,
    /// How long an answer is waited for.
    pub timeout_s: i64,
    /// After so many days without one success it is switched off.
    pub off_after_days: i64,
    /// Whether it may lie in a private network.
    pub allow_private: bool,
}

/// A Bitrix24 portal.
#[derive(Debug, Clone)]
pub struct PortalSettings {
    /// What it is remembered by.
    pub name: String,
    /// Whose visits and calls it has.
    pub clinic: String,
    /// The incoming webhook's address, `https://HOST/rest/USER/CODE/`. It is a secret.
    pub url: Secret,
    /// What the portal's own messages must carry; none = they are not taken.
    pub application_token: Option<Secret>,
    /// The funnel of deals (`CATEGORY_ID`).
    pub category: i64,
    /// Which stage stands for which status.
    pub stages: Stages,
    /// The deal's field with the visit's time; none = times are not kept equal.
    pub time_field: Option<String>,
    /// How often the portal is asked what changed.
    pub poll_s: i64,
    /// Which calls without a booking become leads.
    pub leads: Leads,
    /// The status a new lead gets.
    pub lead_status: String,
    /// The status a lead gets when its person has a visit after all; none = it is left as it is.
    pub lead_booked: Option<String>,
    /// Who is responsible for what is made (`ASSIGNED_BY_ID`); none = the webhook's user.
    pub responsible: Option<i64>,
    /// How long an answer is waited for.
    pub timeout_s: i64,
}

/// Which calls without a booking become leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// Every one with a number.
    All,
    /// Those of numbers that never called before.
    FirstTime,
    /// None.
    None,
}

/// The export of calls to Yandex Metrica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricaSettings {
    /// The counter the file is for.
    pub counter: i64,
    /// Whether the number that was called (`PhoneNumber`) is in the file.
    pub phones: bool,
}

/// Everything that is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:\n{}", .mistakes.iter().map(|mistake| format!("  {mistake}")).collect::<Vec<_>>().join("\n"))]
pub struct SettingsErrors {
    /// The file's name.
    pub file: String,
    /// Every mistake.
    pub mistakes: Vec<Mistake>,
}

/// Sections that other rooms read.
const ROOMS: &[&str] = &["gateways", "chat", "owners", "forms", "report", "telemetry"];
const OWN: &[&str] = &["webhooks", "bitrix24", "metrica", "gateways", "chat", "owners", "forms", "report", "telemetry"];

impl Settings {
    /// Reads the text of the file `file`; `env` looks a name up in the environment.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(text: &str, file: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsErrors> {
        let mut mistakes = Vec::new();
        let fail = |mistakes| SettingsErrors { file: file.to_owned(), mistakes };
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let problem = error.to_string().trim_end().to_owned();
                return Err(fail(vec![Mistake { section: "the file".into(), key: String::new(), problem }]));
            }
        };
        let mut settings = Self::default();
        for (name, value) in table {
            match (name.as_str(), value) {
                ("webhooks", value) => {
                    each(&name, value, &mut mistakes, |section, table, mistakes| {
                        settings.webhooks.extend(endpoint(section, table, mistakes, env));
                    });
                }
                ("bitrix24", value) => {
                    each(&name, value, &mut mistakes, |section, table, mistakes| {
                        settings.bitrix24.extend(portal(section, table, mistakes, env));
                    });
                }
                ("metrica", Value::Table(table)) => {
                    settings.metrica = metrica("[metrica]".to_owned(), table, &mut mistakes, env);
                }
                (room, Value::Table(table)) if ROOMS.contains(&room) => {
                    settings.rooms.insert(room.to_owned(), table);
                }
                (known, _) if OWN.contains(&known) => {
                    let problem = format!("must be a section: [{known}]");
                    mistakes.push(Mistake { section: known.to_owned(), key: String::new(), problem });
                }
                (unknown, _) => {
                    let problem = match nearest(unknown, OWN) {
                        Some(near) => format!("is not known; did you mean {near}?"),
                        None => format!("is not known; the file has {}", OWN.join(", ")),
                    };
                    mistakes.push(Mistake { section: format!("[{unknown}]"), key: String::new(), problem });
                }
            }
        }
        twice("[[webhooks]]", settings.webhooks.iter().map(|one| one.name.as_str()), &mut mistakes);
        twice("[[bitrix24]]", settings.bitrix24.iter().map(|one| one.name.as_str()), &mut mistakes);
        if mistakes.is_empty() { Ok(settings) } else { Err(fail(mistakes)) }
    }

    /// The section of another room, for example `gateways`; none when the file does not have it.
    pub fn room(&self, name: &str) -> Option<&Table> {
        self.rooms.get(name)
    }
}

fn each(name: &str, value: Value, mistakes: &mut Vec<Mistake>, mut take: impl FnMut(String, Table, &mut Vec<Mistake>)) {
    let Value::Array(items) = value else {
        let problem = format!("is written [[{name}]], with two brackets: there may be several");
        mistakes.push(Mistake { section: format!("[{name}]"), key: String::new(), problem });
        return;
    };
    for (number, item) in items.into_iter().enumerate() {
        let Value::Table(table) = item else {
            let problem = format!("is written as sections [[{name}]]");
            mistakes.push(Mistake { section: format!("[[{name}]]"), key: String::new(), problem });
            continue;
        };
        let called = match table.get("name").and_then(Value::as_str) {
            Some(called) => format!("[[{name}]] {called:?}"),
            None => format!("[[{name}]] no. {}", number + 1),
        };
        take(called, table, mistakes);
    }
}

fn twice<'a>(section: &str, names: impl Iterator<Item = &'a str>, mistakes: &mut Vec<Mistake>) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            let problem = format!("{name:?} stands twice; every one needs a name of its own");
            mistakes.push(Mistake { section: section.to_owned(), key: "name".into(), problem });
        }
    }
}

fn endpoint(
    name: String,
    table: Table,
    mistakes: &mut Vec<Mistake>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<Endpoint> {
    let mut section = Section::new(name, table, mistakes, env);
    let name = section.text("name");
    let name = section.needed("name", name, "\"site\"");
    let allow_private = section.flag("allow_private");
    let url = section.secret("url").and_then(|text| match crate::webhooks::check_url(&text, allow_private) {
        Ok(url) => Some(url),
        Err(problem) => {
            section.wrong("url", problem);
            None
        }
    });
    let url = section.needed("url", url, "\"https://example.ru/gudok\"");
    let mut secrets = Vec::new();
    for key in ["secret", "old_secret"] {
        match section.secret(key).map(|text| SigningSecret::parse(&text)) {
            Some(Ok(secret)) => secrets.push(secret),
            Some(Err(problem)) => section.wrong(key, problem),
            None if key == "secret" => {
                section.needed::<()>("secret", None, "\"env:SITE_WEBHOOK_SECRET\"");
            }
            None => {}
        }
    }
    let clinics = section.list("clinics").unwrap_or_default().into_iter().collect();
    let mut types = Vec::new();
    for text in section.list("types").unwrap_or_else(|| vec!["*".to_owned()]) {
        match Pattern::parse(&text) {
            Ok(pattern) => types.push(pattern),
            Err(problem) => section.wrong("types", problem),
        }
    }
    let personal = section.flag("personal");
    let timeout_s = section.number("timeout_s", 1..=120).unwrap_or(20);
    let off_after_days = section.number("off_after_days", 1..=90).unwrap_or(5);
    section.finish();
    Some(Endpoint {
        name: name?,
        url: url?,
        secrets,
        clinics,
        types,
        personal,
        timeout_s,
        off_after_days,
        allow_private,
    })
}

fn portal(
    name: String,
    table: Table,
    mistakes: &mut Vec<Mistake>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<PortalSettings> {
    let mut section = Section::new(name, table, mistakes, env);
    let name = section.text("name").unwrap_or_else(|| "bitrix24".to_owned());
    let clinic = section.text("clinic");
    let clinic = section.needed("clinic", clinic, "\"vet_lapa\"");
    let url = section.secret("url").and_then(|text| match crate::bitrix24::check_url(&text) {
        Ok(()) => Some(Secret::from(text)),
        Err(problem) => {
            section.wrong("url", problem);
            None
        }
    });
    let url = section.needed("url", url, "\"env:BITRIX24_URL\"");
    let application_token = section.secret("application_token").map(Secret::from);
    let category = section.number("category", 0..=i64::from(i32::MAX));
    let category = section.needed("category", category, "2");
    let own = section.map("stages");
    let also = section.map("also");
    let stages = read_stages(&mut section, own, also);
    let time_field = section.text("time_field");
    let poll_s = section.number("poll_s", 5..=50).unwrap_or(30);
    let leads = match section.text("leads").as_deref() {
        None | Some("all") => Leads::All,
        Some("first-time") => Leads::FirstTime,
        Some("none") => Leads::None,
        Some(other) => {
            section.wrong("leads", format!("{other:?} is none of all, first-time, none"));
            Leads::All
        }
    };
    let lead_status = section.text("lead_status").unwrap_or_else(|| "NEW".to_owned());
    let lead_booked = section.text("lead_booked");
    let responsible = section.number("responsible", 1..=i64::MAX);
    let timeout_s = section.number("timeout_s", 1..=60).unwrap_or(10);
    section.finish();
    Some(PortalSettings {
        name,
        clinic: clinic?,
        url: url?,
        application_token,
        category: category?,
        stages: stages?,
        time_field,
        poll_s,
        leads,
        lead_status,
        lead_booked,
        responsible,
        timeout_s,
    })
}

fn read_stages(section: &mut Section<'_>, own: Vec<(String, String)>, also: Vec<(String, String)>) -> Option<Stages> {
    let mut stage_of = BTreeMap::new();
    let mut good = true;
    for (word, stage) in own {
        match word.parse::<Status>() {
            Ok(Status::Moved) => {
                section.wrong("stages", "moved is no stage: a visit that was moved is booked at its new time");
                good = false;
            }
            Ok(status) => {
                stage_of.insert(status, stage);
            }
            Err(problem) => {
                section.wrong("stages", problem);
                good = false;
            }
        }
    }
    let mut means = BTreeMap::new();
    for (stage, word) in also {
        match word.parse::<Status>() {
            Ok(status) if status != Status::Moved => {
                means.insert(stage, status);
            }
            _ => {
                section.wrong("also", format!("{stage} = {word:?}: write the status that the stage means"));
                good = false;
            }
        }
    }
    match Stages::new(stage_of, means) {
        Ok(stages) => good.then_some(stages),
        Err(problem) => {
            section.wrong("stages", problem);
            None
        }
    }
}

fn metrica(
    name: String,
    table: Table,
    mistakes: &mut Vec<Mistake>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<MetricaSettings> {
    let mut section = Section::new(name, table, mistakes, env);
    let counter = section.number("counter", 1..=i64::MAX);
    let counter = section.needed("counter", counter, "12345678");
    let phones = section.flag("phones");
    section.finish();
    Some(MetricaSettings { counter: counter?, phones })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../docs/examples/connections.toml");

    fn env(name: &str) -> Option<String> {
        match name {
            "SITE_WEBHOOK_SECRET" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
            "BITRIX24_URL" => Some("https://lapa.bitrix24.ru/rest/7/s3cretc0de/".into()),
            "BITRIX24_TOKEN" => Some("51856fefc120afa4b628cc82d3935cce".into()),
            _ => None,
        }
    }

    #[test]
    fn the_documented_example_is_read_and_shows_no_secret() {
        let settings = Settings::read(GOOD, "connections.toml", &env).unwrap();
        assert_eq!(settings.webhooks[0].name, "site");
        assert_eq!(settings.bitrix24[0].category, 2);
        assert_eq!(settings.bitrix24[0].stages.stage_of(Status::Done), "C2:WON");
        assert!(settings.room("gateways").is_some());
        let printed = format!("{settings:?}");
        for secret in ["s3cretc0de", "51856fefc", "MfKQ9r8"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_place_and_its_mend() {
        let text = r#"
            [[webhooks]]
            name = "site"
            url = "http://10.0.0.7/in"
            secret = "env:NOT_SET"
            typs = ["visit.*"]
            timeout_s = 600
            [[bitrix24]]
            clinic = "vet_lapa"
            url = "https://lapa.bitrix24.ru/"
            [bitrix24.stages]
            boked = "C2:NEW"
            [gateway]
        "#;
        let told = Settings::read(text, "connections.toml", &env).unwrap_err().to_string();
        for part in [
            "[[webhooks]] \"site\" url: ",
            "allow_private = true",
            "[[webhooks]] \"site\" secret: the environment has no NOT_SET",
            "[[webhooks]] \"site\" typs: is not known; did you mean types?",
            "[[webhooks]] \"site\" timeout_s: is 600, and must be from 1 to 120",
            "[[bitrix24]] no. 1 url: ",
            "[[bitrix24]] no. 1 category: is missing",
            "[[bitrix24]] no. 1 stages: \"boked\" is none of booked",
            "[gateway]: is not known; did you mean gateways?",
        ] {
            assert!(told.contains(part), "{part}\n---\n{told}");
        }
    }

    #[test]
    fn two_endpoints_of_one_name_are_refused() {
        let one = "[[webhooks]]\nname = \"a\"\nurl = \"https://example.ru/\"\nsecret = \"env:SITE_WEBHOOK_SECRET\"\n";
        let told = Settings::read(&format!("{one}{one}"), "c.toml", &env).unwrap_err().to_string();
        assert!(told.contains("\"a\" stands twice"), "{told}");
    }
}
