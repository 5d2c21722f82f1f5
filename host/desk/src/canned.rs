//! Answers that a clinic wrote beforehand, sent by one click.

use serde::Serialize;

use crate::Clinic;

/// An answer that the clinic wrote beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Canned {
    /// Stable; made of the title when the file gives none.
    pub id: String,
    /// What the button says.
    pub title: String,
    /// What is sent, with places to be filled in: see [`Canned::PLACES`].
    pub text: String,
}

/// What is known when an answer is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct CannedValues<'a> {
    /// The visitor's name; empty when not known.
    pub name: &'a str,
    /// When the clinic is open, in words.
    pub hours: &'a str,
}

impl Canned {
    /// What may stand in the braces of a text: the visitor's name, and of the clinic its name, address, phone and hours.
    pub const PLACES: &'static [&'static str] = &["name", "clinic", "address", "phone", "hours"];

    /// The text with its places filled in. Where the visitor's name is not known, the comma and the space before it go, too:
    /// «Здравствуйте, {name}!» becomes «Здравствуйте!».
    pub fn render(&self, clinic: &Clinic, values: &CannedValues<'_>) -> String {
        fill(&self.text, |place| match place {
            "name" => Some(values.name),
            "clinic" => Some(clinic.name.as_str()),
            "address" => Some(clinic.address.as_str()),
            "phone" => Some(clinic.phone.as_str()),
            "hours" => Some(values.hours),
            _ => None,
        })
    }

    /// The places of a text that nobody can fill in.
    pub(crate) fn unknown_places(text: &str) -> Vec<String> {
        let mut unknown = Vec::new();
        fill(text, |place| {
            if !Self::PLACES.contains(&place) {
                unknown.push(place.to_owned());
            }
            None
        });
        unknown
    }
}

/// What `value` does not know stays as it is written.
fn fill<'a>(text: &str, mut value: impl FnMut(&str) -> Option<&'a str>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((place, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match value(place) {
            Some("") => {
                let kept = filled.trim_end_matches([' ', ',']).len();
                filled.truncate(kept);
            }
            Some(value) => filled.push_str(value),
            None => filled.push_str(&format!("{{{place}}}")),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_a_missing_name_leaves_no_hole() {
        let anna = |place: &str| (place == "name").then_some("Анна");
        let nobody = |place: &str| (place == "name").then_some("");
        assert_eq!(fill("Здравствуйте, {name}!", anna), "Здравствуйте, Анна!");
        assert_eq!(fill("Здравствуйте, {name}!", nobody), "Здравствуйте!");
        assert_eq!(fill("{other} и { без конца", anna), "{other} и { без конца");
        assert_eq!(Canned::unknown_places("{name} {adress} {hours}"), ["adress"]);
    }
}
