//! Who somebody is: lists and conversations hold ids, people read names.

use std::collections::HashMap;

use super::desk::Desk;
use crate::Problem;

/// Names by id.
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    pub(crate) async fn of(desk: &Desk) -> Result<Self, Problem> {
        let users = desk.state.store.users().await?;
        Ok(Self(users.into_iter().map(|user| (user.id, user.name)).collect()))
    }

    /// A person's name; what is no id of a person, as it stands.
    pub(crate) fn get<'a>(&'a self, desk: &Desk, who: &'a str) -> &'a str {
        match who {
            "robot" | "exchange" | "flow" => desk.words().robot,
            "outreach" | "system" => desk.words().itself,
            who => self.0.get(who).map_or(who, String::as_str),
        }
    }
}
