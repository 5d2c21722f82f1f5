//! Whether the figures are as good as they have been. The file of gates is raised by hand when it is beaten.

use serde::Deserialize;

use super::score::{self, Figures};
use super::{Outcome, read_transcripts};

/// What was reached before; what is not named is not asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gate {
    /// Per cent, at most.
    wer: Option<f64>,
    /// Per cent, at most.
    cer: Option<f64>,
    /// Error rates as a multiple of the peer's, at most.
    wer_of_peer: Option<f64>,
    cer_of_peer: Option<f64>,
    /// The peer's CPU time as a multiple of ours, at least.
    cheaper_than_peer: Option<f64>,
}

/// `TABLE=HEARD,PEER,TRANSCRIPTS`, several: each table of the file against what was heard; peer may be empty.
pub fn check(file: &str, compared: &[&str]) -> Outcome<()> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let gates: std::collections::BTreeMap<String, Gate> = toml::from_str(&text)?;
    let mut missed = 0;
    for argument in compared {
        let parts = argument.split_once('=').map(|(table, files)| (table, files.split(',').collect::<Vec<_>>()));
        let Some((table, [heard, peer, transcripts])) = parts.as_ref().map(|(table, files)| (*table, files.as_slice()))
        else {
            return Err(format!("TABLE=HEARD,PEER,TRANSCRIPTS was expected, not {argument}").into());
        };
        let gate = gates.get(table).ok_or_else(|| format!("{file}: there is no table [{table}]"))?;
        let mut hearings = vec![score::read(heard)?];
        if !peer.is_empty() {
            hearings.push(score::read(peer)?);
        }
        let figures = score::compare(&read_transcripts(transcripts)?, &hearings);
        for (what, reached, wanted, enough) in judged(gate, &figures) {
            let verdict = if enough { "kept" } else { "MISSED" };
            missed += usize::from(!enough);
            println!("gate {table}.{what}: {reached:.2}, wanted {wanted}: {verdict}");
        }
    }
    if missed == 0 { Ok(()) } else { Err(format!("{missed} figures are worse than they have been").into()) }
}

/// What, what was reached, what was wanted, and whether that is enough.
fn judged(gate: &Gate, figures: &[Figures]) -> Vec<(&'static str, f64, f64, bool)> {
    let ours = figures[0];
    let at_most =
        |what, reached: f64, wanted: Option<f64>| wanted.map(|wanted| (what, reached, wanted, reached <= wanted));
    let mut judged = vec![at_most("wer", ours.wer, gate.wer), at_most("cer", ours.cer, gate.cer)];
    if let Some(peer) = figures.get(1) {
        let cheaper = peer.cpu_s / ours.cpu_s.max(0.001);
        judged.push(at_most("wer_of_peer", ours.wer / peer.wer.max(0.1), gate.wer_of_peer));
        judged.push(at_most("cer_of_peer", ours.cer / peer.cer.max(0.1), gate.cer_of_peer));
        judged.push(gate.cheaper_than_peer.map(|wanted| ("cheaper_than_peer", cheaper, wanted, cheaper >= wanted)));
    }
    judged.into_iter().flatten().collect()
}
