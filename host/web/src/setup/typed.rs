//! What was typed into a form that was not taken: shown again beside what is wrong with it, instead of what the file says.

use crate::pages::Fields;

/// What was typed; nothing where a page is opened anew.
#[derive(Clone, Copy, Default)]
pub(super) struct Typed<'a>(Option<&'a Fields>);

impl<'a> Typed<'a> {
    pub(super) fn of(fields: &'a Fields) -> Self {
        Self(Some(fields))
    }

    /// What was typed into one of a page's forms: the one that says `do` so and is about that place of a list.
    pub(super) fn form(self, act: Option<&str>, place: Option<usize>) -> Self {
        let is_it = |fields: &&Fields| {
            fields.get("do") == act && fields.get("place").and_then(|place| place.parse().ok()) == place
        };
        Self(self.0.filter(is_it))
    }

    /// What was typed here, else there.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// Whether something was typed here.
    pub(super) fn is_here(self) -> bool {
        self.0.is_some()
    }

    /// The content of a field: as it was typed, else as it is now.
    pub(super) fn text(self, name: &str, now: &str) -> String {
        self.0.map_or(now, |fields| fields.get(name).unwrap_or_default()).to_owned()
    }

    /// Whether a box is ticked.
    pub(super) fn ticked(self, name: &str, now: bool) -> bool {
        self.0.map_or(now, |fields| fields.get(name).is_some())
    }

    /// Whether this one of several under the same name is chosen.
    pub(super) fn chosen(self, name: &str, value: &str, now: bool) -> bool {
        self.0.map_or(now, |fields| fields.all(name).any(|one| one == value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_that_was_sent_shows_what_was_typed() {
        let pairs = [("do", "change"), ("place", "2"), ("price", "дорого"), ("service", "УЗИ"), ("service", "рентген")];
        let fields = Fields::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        let sent = Typed::of(&fields).form(Some("change"), Some(2));
        assert_eq!((sent.text("price", "100"), sent.text("minutes", "30")), ("дорого".into(), String::new()));
        assert!(sent.chosen("service", "рентген", false) && !sent.ticked("bookable", true));
        for other in
            [Typed::of(&fields).form(Some("change"), Some(1)), Typed::of(&fields).form(None, None), Typed::default()]
        {
            assert_eq!((other.text("price", "100"), other.is_here()), ("100".into(), false));
            assert!(other.ticked("bookable", true) && other.chosen("service", "УЗИ", true));
        }
    }
}
