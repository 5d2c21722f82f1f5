//! `[report]` of the server's `connections.toml`:
//!
//! ```toml
//! [report]
//! to = { vet_lapa = ["head@clinic.example"] }   # with one clinic on the server, the addresses alone: ["head@clinic.example"]
//! day = "monday"                                # by default
//! hour = 8                                      # by default, of the clinic's clock
//! language = "ru"                               # ru, en
//! page = "https://desk.clinic.example"          # where the pages are, for the link
//! ```

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use reports::Lang;
use serde::Deserialize;

use crate::{Result, WeeklyError};

/// Readers of one clinic, at most.
const MOST_READERS: usize = 20;

/// Whom, when and in which language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Addresses by clinic id.
    pub to: BTreeMap<String, Vec<String>>,
    /// The day of the week on which letters leave.
    pub day: Weekday,
    /// From this hour of the clinic's clock on.
    pub hour: i8,
    /// The letter's language.
    pub language: Lang,
    /// Where the pages are, without a slash at the end.
    pub page: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    to: To,
    #[serde(default)]
    day: Option<String>,
    #[serde(default)]
    hour: Option<i64>,
    #[serde(default)]
    language: Lang,
    page: String,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "addresses, or a table of them by clinic")]
enum To {
    All(Vec<String>),
    ByClinic(BTreeMap<String, Vec<String>>),
}

impl Settings {
    /// Reads the section; `clinics` are the ids of the clinics that are served.
    ///
    /// # Errors
    /// The first mistake, with its key.
    pub fn read(section: toml::Value, clinics: &[&str]) -> Result<Self> {
        let wrong = |key: &str, problem: String| WeeklyError::Setting { key: key.to_owned(), problem };
        let file: File =
            section.try_into().map_err(|error: toml::de::Error| wrong("…", error.message().replace('\n', ", ")))?;
        let to = match (file.to, clinics) {
            (To::ByClinic(to), _) => to,
            (To::All(to), [clinic]) => BTreeMap::from([((*clinic).to_owned(), to)]),
            (To::All(_), _) => {
                let problem = format!(
                    "several clinics are served; say who gets which: to = {{ {} = [\"head@clinic.example\"] }}",
                    clinics.first().copied().unwrap_or("clinic")
                );
                return Err(wrong("to", problem));
            }
        };
        for (clinic, addresses) in &to {
            if !clinics.contains(&clinic.as_str()) {
                let problem = format!("no clinic {clinic:?} is served; there is {}", clinics.join(", "));
                return Err(wrong("to", problem));
            }
            if addresses.is_empty() || addresses.len() > MOST_READERS {
                return Err(wrong("to", format!("{clinic} needs 1 to {MOST_READERS} addresses")));
            }
            if let Some(n) = addresses.iter().position(|address| !outreach::send::is_address(address)) {
                return Err(wrong("to", format!("address no. {} of {clinic} is none; write name@host", n + 1)));
            }
        }
        let day = file.day.as_deref().map_or(Some(Weekday::Monday), weekday);
        let day = day.ok_or_else(|| {
            wrong("day", "one of monday, tuesday, wednesday, thursday, friday, saturday, sunday".to_owned())
        })?;
        let hour = i8::try_from(file.hour.unwrap_or(8)).ok().filter(|hour| (0..24).contains(hour));
        let hour = hour.ok_or_else(|| wrong("hour", "an hour of the clinic's clock, 0 to 23".to_owned()))?;
        let page = file.page.trim_end_matches('/').to_owned();
        if !page.starts_with("https://") && !page.starts_with("http://") {
            return Err(wrong("page", "where the pages are: https://desk.clinic.example".to_owned()));
        }
        Ok(Self { to, day, hour, language: file.language, page })
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name.to_ascii_lowercase().as_str() {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, clinics: &[&str]) -> Result<Settings> {
        Settings::read(toml::from_str(text).unwrap(), clinics)
    }

    #[test]
    fn a_short_section_is_enough() {
        let found = read("to = [\"a@b.example\"]\npage = \"https://desk.example/\"\n", &["vet"]).unwrap();
        assert_eq!(found.to["vet"], ["a@b.example"]);
        assert_eq!((found.day, found.hour, found.language), (Weekday::Monday, 8, Lang::Ru));
        assert_eq!(found.page, "https://desk.example");
    }

    #[test]
    fn mistakes_name_the_key_and_what_would_be_right() {
        let page = "page = \"https://d\"\n";
        let cases = [
            ("to = [\"a@b\"]\n", "to: several clinics are served; say who gets which: to = { vet = "),
            ("to = { dent = [\"a@b\"] }\n", "to: no clinic \"dent\" is served; there is vet, other"),
            ("to = { vet = [] }\n", "to: vet needs 1 to 20 addresses"),
            ("to = { vet = [\"a@b\", \"anna\"] }\n", "to: address no. 2 of vet is none"),
            ("to = { vet = [\"a@b\"] }\nday = \"пн\"\n", "day: one of monday"),
            ("to = { vet = [\"a@b\"] }\nhour = 24\n", "hour: an hour of the clinic's clock"),
            ("to = { vet = [\"a@b\"] }\nwhen = 1\n", "unknown field `when`"),
            ("to = 5\n", "addresses, or a table of them by clinic"),
        ];
        for (text, expected) in cases {
            let said = read(&format!("{text}{page}"), &["vet", "other"]).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        assert!(read("to = [\"a@b\"]\npage = \"desk\"\n", &["vet"]).unwrap_err().to_string().contains("page: where"));
    }
}
