//! Personal data as a type: stored and sent as it is, printed as `***`.

use serde::{Deserialize, Serialize};

/// A phone number, a name, words somebody said. `Debug` prints `***` and there is no `Display`, so it cannot slip into a
/// log line; [`Pii::as_str`] is the deliberate way out. In JSON and in the database it is the plain text.
///
/// ```
/// let phone = records::Pii::from("+79031234567");
/// assert_eq!(format!("{phone:?}"), "***");
/// assert_eq!(phone.as_str(), "+79031234567");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Pii(String);

impl Pii {
    /// The text itself, for the one who may see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text itself, owned.
    pub fn into_inner(self) -> String {
        self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Pii {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Pii {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Pii {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
