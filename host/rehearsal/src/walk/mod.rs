//! A flow explored by itself: every question answered in every way a caller might, one path after the other.
//!
//! A path is a list of answers. It is played from the start; the caller hangs up at the first question beyond it, and that
//! question's branches are the paths of the next level. Two paths that went through the same questions and stand before
//! the same text are taken for one place: only the first is followed. What a flow remembers beside that is not seen, so a
//! walk finds much and proves nothing.
//!
//! Bounded by depth and by the number of paths, the same every time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flows::host::routing::TransferOutcome;
use flows::host::voice::Question;
use flows::host::{Error, HostCall, HostReply, Nature};
use flows::journal::Journal;
use flows::script::CallerTurn;
use flows::{Engine, Flow, FlowEnd, RunReport};

use crate::error::RehearsalError;
use crate::expect::{Happened, ended};
use crate::play::{Case, converse};

mod answers;

pub use answers::Phrase;

/// The same question so often, one after the other, is a loop.
const LOOP: usize = 4;
/// A caller who answers everything alike is followed so far.
const STUBBORN: usize = 30;

/// How far to go.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Answers in one path.
    pub depth: usize,
    /// Paths in all.
    pub paths: usize,
    /// Answers to try beside the usual ones.
    pub phrases: Vec<Phrase>,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { depth: 6, paths: 2_000, phrases: Vec::new() }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The first question and all behind it; none: the flow asked nothing.
    pub root: Option<Node>,
    /// What is wrong, each with a path that leads there.
    pub findings: Vec<Finding>,
    /// Ids of the questions that were reached.
    pub questions: BTreeSet<String>,
    /// Host functions that the flow imports and no path used.
    pub unused: Vec<String>,
    /// Paths played.
    pub paths: usize,
    /// There were more: the bound on paths was reached.
    pub cut: bool,
}

/// A question with what its answers lead to.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its text, as it was said on this path.
    pub text: String,
    /// Answers that lead to the same stand together. Empty: as deep as the walk goes.
    pub branches: Vec<(Vec<String>, Leads)>,
}

/// Where an answer leads.
#[derive(Clone, Debug)]
pub enum Leads {
    /// To another question.
    Question(Node),
    /// To a question that stands in the tree already.
    Known(String),
    /// To the end of the call; how it ends.
    End(String),
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// About what: a question's id, an error.
    pub what: String,
    /// Question and answer, from the start.
    pub path: Vec<(String, String)>,
}

/// Ways to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The host ended the flow.
    Trap,
    /// The flow said that it cannot go on.
    GaveUp,
    /// The flow is over and the caller is still there: not put through, no call-back, no good-bye, no outcome. A good-bye is a
    /// last word with one of the usual phrases in it.
    DeadEnd,
    /// The same question again and again, and nothing done or answered in between.
    Loop,
}

impl FindingKind {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::GaveUp => "gave up",
            Self::DeadEnd => "dead end",
            Self::Loop => "loop",
        }
    }
}

/// Explore a flow in the scene of `case`; `case.script` says who calls and when, its lines are not used. `played` hears of
/// the paths as they are done.
///
/// # Errors
///
/// As for [`play`](crate::play()).
pub async fn walk(
    engine: &Engine,
    flow: &Arc<Flow>,
    case: &Case,
    bounds: &Bounds,
    mut played: impl FnMut(usize),
) -> Result<Walk, RehearsalError> {
    let mut explorer = Explorer::default();
    let mut level: Vec<Vec<CallerTurn>> = vec![Vec::new()];
    let mut expanded: BTreeMap<Vec<String>, Steps> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for depth in 0..=bounds.depth {
        let room = bounds.paths.saturating_sub(explorer.paths);
        explorer.cut |= level.len() > room;
        level.truncate(room);
        let mut next = Vec::new();
        for path in std::mem::take(&mut level) {
            let end = explorer.follow(engine, flow, case, &path).await?;
            played(explorer.paths);
            let name = key(&path);
            if let PathEnd::At(question, place) = &end {
                let first = known.insert(place.clone());
                if first && depth < bounds.depth {
                    let turns = answers::of(question, &case.house, &bounds.phrases);
                    expanded
                        .insert(name.clone(), turns.iter().map(|turn| with(&path, turn)).map(|p| key(&p)).collect());
                    next.extend(turns.iter().map(|turn| with(&path, turn)));
                } else if !first {
                    explorer.again.insert(name.clone());
                }
            }
            explorer.ends.insert(name, end);
        }
        level = next;
    }
    explorer.stubborn(engine, flow, case).await?;
    played(explorer.paths);
    let root = explorer.node(&[], &expanded);
    let unused = flow.functions().iter().filter(|name| !explorer.functions.contains(**name));
    let mut findings = explorer.findings;
    findings.sort_by_key(|finding| (finding.kind, finding.path.len()));
    Ok(Walk {
        root,
        findings,
        questions: explorer.questions,
        unused: unused.map(|name| (*name).to_owned()).collect(),
        paths: explorer.paths,
        cut: explorer.cut,
    })
}

/// Paths by what was answered, as text.
type Steps = Vec<Vec<String>>;

fn key(path: &[CallerTurn]) -> Vec<String> {
    path.iter().map(shown).collect()
}

fn with(path: &[CallerTurn], turn: &CallerTurn) -> Vec<CallerTurn> {
    path.iter().chain([turn]).cloned().collect()
}

/// An answer, for a person.
fn shown(turn: &CallerTurn) -> String {
    match turn {
        CallerTurn::Says(text) => format!("«{text}»"),
        CallerTurn::Presses(keys) => format!("[{keys}]"),
        CallerTurn::IsSilent => "(silence)".into(),
        CallerTurn::HangsUp => "(hangs up)".into(),
    }
}

/// Where a path ended.
enum PathEnd {
    /// At a question, in a place: the questions before, and its text.
    At(Question, Vec<String>),
    /// With the call; how.
    Over(String),
}

#[derive(Default)]
struct Explorer {
    ends: BTreeMap<Vec<String>, PathEnd>,
    again: BTreeSet<Vec<String>>,
    findings: Vec<Finding>,
    questions: BTreeSet<String>,
    functions: BTreeSet<&'static str>,
    paths: usize,
    cut: bool,
}

impl Explorer {
    async fn follow(
        &mut self,
        engine: &Engine,
        flow: &Arc<Flow>,
        case: &Case,
        path: &[CallerTurn],
    ) -> Result<PathEnd, RehearsalError> {
        let turns: Vec<CallerTurn> = path.to_vec();
        let caller = Box::new(turns.into_iter());
        let (journal, report) = converse(engine, flow, case, caller).await?;
        self.paths += 1;
        self.functions.extend(journal.entries.iter().map(|entry| entry.call.function()));
        let happened = Happened::of(&journal);
        self.questions.extend(happened.questions.iter().map(|id| (*id).to_owned()));
        self.judge(&journal, &happened, &report);
        Ok(frontier(&journal).unwrap_or_else(|| PathEnd::Over(conclusion(&happened, &report))))
    }

    /// Callers who answer everything in one way must come to an end.
    async fn stubborn(&mut self, engine: &Engine, flow: &Arc<Flow>, case: &Case) -> Result<(), RehearsalError> {
        for turn in answers::stubborn() {
            self.follow(engine, flow, case, &vec![turn; STUBBORN]).await?;
        }
        Ok(())
    }

    fn judge(&mut self, journal: &Journal, happened: &Happened, report: &RunReport) {
        let kind = match &report.end {
            FlowEnd::Trapped { .. } => Some(FindingKind::Trap),
            FlowEnd::GaveUp(_) => Some(FindingKind::GaveUp),
            FlowEnd::Finished => {
                let done = happened.caller_left
                    || happened.connected
                    || happened.hung_up
                    || happened.says_outcome()
                    || happened.said.last().is_some_and(|said| farewell(said))
                    || !happened.callbacks.is_empty();
                (!done).then_some(FindingKind::DeadEnd)
            }
        };
        let steps = steps(journal);
        if let Some(kind) = kind {
            let after = steps.last().map_or_else(|| "the start".to_owned(), |(id, _)| id.clone());
            let what = match kind {
                FindingKind::DeadEnd => format!("after {after}"),
                _ => ended(&report.end),
            };
            self.find(Finding { kind, what, path: steps.clone() });
        }
        if let Some((question, answers)) = loops(journal) {
            let path = steps.iter().take(answers).cloned().collect();
            self.find(Finding { kind: FindingKind::Loop, what: question.to_owned(), path });
        }
    }

    /// One of each: the shortest path stands for all.
    fn find(&mut self, finding: Finding) {
        match self.findings.iter_mut().find(|known| (known.kind, &known.what) == (finding.kind, &finding.what)) {
            Some(known) if known.path.len() > finding.path.len() => *known = finding,
            Some(_) => {}
            None => self.findings.push(finding),
        }
    }

    fn node(&self, path: &[String], expanded: &BTreeMap<Vec<String>, Steps>) -> Option<Node> {
        let PathEnd::At(question, _) = self.ends.get(path)? else { return None };
        let mut branches: Vec<(Vec<String>, Leads)> = Vec::new();
        for next in expanded.get(path).into_iter().flatten() {
            let Some(end) = self.ends.get(next) else { continue };
            let leads = match end {
                PathEnd::Over(how) => Leads::End(how.clone()),
                PathEnd::At(question, _) if self.again.contains(next) => Leads::Known(question.id.clone()),
                PathEnd::At(..) => match self.node(next, expanded) {
                    Some(node) => Leads::Question(node),
                    None => continue,
                },
            };
            let answer = next.last().cloned().unwrap_or_default();
            let same = branches.iter_mut().find(|(_, known)| match (known, &leads) {
                (Leads::End(one), Leads::End(other)) => one == other,
                (Leads::Known(one), Leads::Known(other)) => one == other,
                (Leads::Question(node), Leads::Known(id)) => &node.id == id,
                _ => false,
            });
            match same {
                Some((answers, _)) => answers.push(answer),
                None => branches.push((vec![answer], leads)),
            }
        }
        Some(Node { id: question.id.clone(), text: question.text.clone(), branches })
    }
}

/// What a caller takes for the end of a call.
fn farewell(said: &str) -> bool {
    let said = said.to_lowercase();
    ["до свидания", "всего доброго", "хорошего дня", "до встречи", "ждём вас", "goodbye"]
        .iter()
        .any(|phrase| said.contains(phrase))
}

/// The first question that is asked [`LOOP`] times in a row without progress, and how many answers were given before.
/// Progress is something that lasts, or an answer to what was asked.
fn loops(journal: &Journal) -> Option<(&str, usize)> {
    let (mut row, mut answers) = (Vec::new(), 0);
    for entry in &journal.entries {
        match (&entry.call, &entry.reply) {
            (HostCall::VoiceAsk { question }, reply) => {
                if row.last().is_some_and(|last| *last != question.id.as_str()) {
                    row.clear();
                }
                row.push(question.id.as_str());
                if row.len() == LOOP {
                    return Some((row[0], answers));
                }
                answers += usize::from(reply.error().is_none());
            }
            (_, HostReply::FaqFind(Ok(hits))) if !hits.is_empty() => row.clear(),
            (call, reply) if call.nature() == Nature::Effect && reply.error().is_none() => row.clear(),
            _ => {}
        }
    }
    None
}

/// Questions with their answers, from the start.
fn steps(journal: &Journal) -> Vec<(String, String)> {
    let answered = journal.entries.iter().filter_map(|entry| match (&entry.call, &entry.reply) {
        (HostCall::VoiceAsk { question }, HostReply::VoiceAsk(Ok(answer))) => {
            use flows::host::voice::Answer;
            let turn = match answer {
                Answer::Speech(heard) => CallerTurn::Says(heard.text.clone()),
                Answer::Digits(keys) => CallerTurn::Presses(keys.clone()),
                Answer::Silence => CallerTurn::IsSilent,
            };
            Some((question.id.clone(), shown(&turn)))
        }
        _ => None,
    });
    answered.collect()
}

/// The question at which the caller hung up because the path was over.
fn frontier(journal: &Journal) -> Option<PathEnd> {
    let mut before = Vec::new();
    for entry in &journal.entries {
        match (&entry.call, &entry.reply) {
            (HostCall::VoiceAsk { question }, HostReply::VoiceAsk(Err(Error::Hangup))) => {
                before.push(question.text.clone());
                return Some(PathEnd::At(question.clone(), before));
            }
            // How often in a row is part of the place, the way round through other questions is not.
            (HostCall::VoiceAsk { question }, _)
                if before.last() == Some(&question.id) || !before.contains(&question.id) =>
            {
                before.push(question.id.clone());
            }
            (HostCall::RoutingTransfer { .. }, HostReply::RoutingTransfer(Ok(TransferOutcome::Connected))) => {
                return None;
            }
            _ => {}
        }
    }
    None
}

fn conclusion(happened: &Happened, report: &RunReport) -> String {
    if report.end != FlowEnd::Finished {
        return ended(&report.end);
    }
    let way = if happened.connected {
        "put through"
    } else if !happened.callbacks.is_empty() {
        "call-back promised"
    } else if happened.hung_up {
        "robot hangs up"
    } else {
        "finished"
    };
    format!("{way} ({})", happened.outcome())
}
