//! Which kinds of events somebody wants.

/// A kind of event, or a beginning of kinds with a star: `visit.booked`, `visit.*`, `*`.
///
/// ```
/// use connections::webhooks::Pattern;
/// let visits = Pattern::parse("visit.*").unwrap();
/// assert!(visits.fits("visit.booked"));
/// assert!(!visits.fits("visitor.came"));
/// assert!(Pattern::parse("ru.gudok.visit.booked").unwrap().fits("visit.booked"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    beginning: String,
    open: bool,
}

impl Pattern {
    /// Reads it, with or without the prefix of the types.
    ///
    /// # Errors
    /// A sentence for anything that no kind can fit.
    pub fn parse(text: &str) -> Result<Self, String> {
        let kind = text.strip_prefix(crate::events::TYPE_PREFIX).unwrap_or(text);
        let (beginning, open) = match kind.strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (kind, false),
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        let whole = beginning.is_empty() || beginning.ends_with('.');
        if !beginning.chars().all(plain) || (open && !whole) || (!open && beginning.is_empty()) {
            return Err(format!("{text:?} fits no event; write for example visit.booked, visit.* or *"));
        }
        Ok(Self { beginning: beginning.to_owned(), open })
    }

    /// Whether an event of this kind is wanted.
    pub fn fits(&self, kind: &str) -> bool {
        if self.open { kind.starts_with(&self.beginning) } else { kind == self.beginning }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_star_stands_for_whole_words_at_the_end() {
        assert!(Pattern::parse("*").unwrap().fits("call.ended"));
        assert!(!Pattern::parse("visit.booked").unwrap().fits("visit.booked.twice"));
        for wrong in ["", "vis*", "*.booked", "Visit.*", "visit booked"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
