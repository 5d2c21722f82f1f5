//! What conversations reached of a flow: questions, texts, host functions.

use std::collections::BTreeMap;

use flows::Flow;
use serde::Serialize;

use crate::expect::Happened;
use crate::play::Conversation;

/// What was reached, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Questions asked, by id.
    pub questions: BTreeMap<String, usize>,
    /// Texts said, questions included.
    pub said: BTreeMap<String, usize>,
    /// Host functions used.
    pub functions: BTreeMap<String, usize>,
    /// Host functions that the flow imports and no conversation used.
    pub unused: Vec<String>,
}

impl Coverage {
    /// Of these conversations.
    pub fn of(flow: &Flow, conversations: &[Conversation]) -> Coverage {
        let mut coverage = Coverage::default();
        for conversation in conversations {
            let happened = Happened::of(&conversation.journal);
            happened.questions.into_iter().for_each(|id| *coverage.questions.entry(id.to_owned()).or_default() += 1);
            happened.said.into_iter().for_each(|text| *coverage.said.entry(text.to_owned()).or_default() += 1);
            for entry in &conversation.journal.entries {
                *coverage.functions.entry(entry.call.function().to_owned()).or_default() += 1;
            }
        }
        let unused = flow.functions().iter().filter(|name| !coverage.functions.contains_key(**name));
        coverage.unused = unused.map(|name| (*name).to_owned()).collect();
        coverage
    }
}
