//! A candidate beside a live call: what it is told, what is told of it, and that the live call never notices.

use std::sync::Arc;

use async_trait::async_trait;
use flows::host::{HostCall, HostReply};
use flows::journal::{Entries, Header, Journal, Recording};
use flows::replay::Verdict;
use flows::shadow::{DropOut, Shadow, ShadowOptions, ShadowReport};
use flows::{Allocation, Engine, Flow, FlowEnd, Options, Port, PortError, RunOptions};
use tokio::sync::Semaphore;

use crate::support::{ASK, Agreeable, ENGINE, IS_OPEN, LOG, NOW, SAY, SAY_MORE, TAG, TAG_MORE, agreeable, steps};

fn options() -> RunOptions {
    RunOptions { call_id: "call-1".into(), seed: 7, started: 1_000, wall_limit: None }
}

/// Run the live flow with a candidate beside it.
async fn beside(live: &Arc<Flow>, candidate: &Arc<Flow>) -> ShadowReport {
    let shadow = ShadowOptions::new(Header::new(live, &options()));
    let (tap, report) = Shadow::start(&ENGINE, Arc::clone(candidate), shadow);
    let report = tokio::spawn(report);
    let entries = Entries::default();
    let sink = tap.clone().beside(Box::new(entries.clone()));
    let run = ENGINE.run(live, Box::new(Recording::new(Agreeable, sink)), options()).await;
    tap.ended(&run.end);
    let report = report.await.expect("no panic");

    // A replay of the finished call comes to the same.
    let journal = Journal { header: Header::new(live, &options()), entries: entries.to_vec(), end: Some(run.end) };
    let replay = ENGINE.replay(candidate, &journal).await;
    assert_eq!(replay.verdict, report.verdict);
    let shadow = report.replay.as_ref().expect("it ran");
    assert_eq!((&replay.calls, &replay.divergences), (&shadow.calls, &shadow.divergences));
    report
}

#[tokio::test]
async fn a_candidate_that_does_the_same_is_silent() {
    let live = steps(&[NOW, SAY, ASK, TAG]);
    let report = beside(&live, &live).await;
    assert!(report.is_silent(), "{report:?}");
    assert!(report.comparison.is_none());
    assert_eq!(report.replay.expect("it ran").run.end, FlowEnd::Finished);
}

#[tokio::test]
async fn differences_are_reported() {
    let live = steps(&[NOW, SAY, ASK, TAG]);
    for (candidate, verdict) in [
        (&[NOW, SAY_MORE, ASK, TAG, LOG][..], Verdict::WordingOnly),
        (&[SAY, NOW, ASK, NOW, TAG], Verdict::ReadsReordered),
        (&[NOW, SAY, ASK, ASK, TAG], Verdict::NewQuestion),
        (&[NOW, SAY, ASK, TAG_MORE], Verdict::EffectChanged),
        (&[NOW, SAY, ASK], Verdict::EffectChanged),
        (&[NOW, SAY, ASK, "unreachable"], Verdict::Trapped),
    ] {
        let report = beside(&live, &steps(candidate)).await;
        assert_eq!((report.verdict, report.dropped_out), (verdict, None), "{candidate:?}: {report:?}");
        assert!(!report.is_silent());
        let comparison = report.comparison.expect("something to show");
        assert!(!comparison.line.is_empty() && comparison.to_text(80).lines().count() > 3);
    }
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_limit() {
    let live = steps(&[NOW, SAY, ASK, TAG]);
    let report = beside(&live, &steps(&[NOW, "(loop $again (br $again))"])).await;
    assert_eq!((report.verdict, report.dropped_out), (Verdict::Trapped, None));
    let replay = report.replay.expect("it ran");
    assert!(matches!(replay.run.end, FlowEnd::Trapped { kind: flows::TrapKind::CpuLimit, .. }), "{:?}", replay.run.end);
}

/// The live call runs to its end before the candidate has looked at anything.
#[tokio::test]
async fn a_candidate_that_is_slower_catches_up_or_is_let_go() {
    let live = steps(&[SAY; 40]);
    for (backlog, dropped_out) in
        [(256, None), (40, Some(DropOut::Lagged { behind: 40 })), (8, Some(DropOut::Lagged { behind: 8 }))]
    {
        let shadow = ShadowOptions { backlog, ..ShadowOptions::new(Header::new(&live, &options())) };
        let (tap, candidate) = Shadow::start(&ENGINE, Arc::clone(&live), shadow);
        let port = Recording::new(Agreeable, Box::new(tap.clone()));
        let run = ENGINE.run(&live, Box::new(port), options()).await;
        assert_eq!((run.end.clone(), run.host_calls), (FlowEnd::Finished, 40), "the live call is not held up");
        tap.ended(&run.end);
        let report = candidate.await;
        assert_eq!((report.verdict, report.dropped_out), (Verdict::Identical, dropped_out));
        assert_eq!(report.is_silent(), dropped_out.is_none());
        let reached = report.replay.expect("it ran").reached;
        assert_eq!(reached as usize, backlog.min(40));
    }
}

/// Gives an answer only when told to.
struct Patient(Arc<Semaphore>);

#[async_trait]
impl Port for Patient {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        self.0.acquire().await.expect("open").forget();
        agreeable(&call).ok_or(PortError::Closed)
    }
}

/// Where the candidate is ahead it waits for the live flow, and hears what the live flow heard.
#[tokio::test]
async fn a_candidate_waits_for_the_live_call() {
    let live = steps(&[ASK, SAY]);
    let (tap, candidate) =
        Shadow::start(&ENGINE, Arc::clone(&live), ShadowOptions::new(Header::new(&live, &options())));
    let candidate = tokio::spawn(candidate);
    let (answers, sink) = (Arc::new(Semaphore::new(0)), tap.clone());
    let port = Recording::new(Patient(Arc::clone(&answers)), Box::new(sink));
    let flow = Arc::clone(&live);
    let call = tokio::spawn(async move { ENGINE.run(&flow, Box::new(port), options()).await });
    // Both are parked in the question, for as long as the caller thinks.
    tokio::task::yield_now().await;
    assert!(!candidate.is_finished());
    answers.add_permits(2);
    tap.ended(&call.await.expect("no panic").end);
    assert!(candidate.await.expect("no panic").is_silent());
}

/// A session that ends under the flow.
struct Leaves(u32);

#[async_trait]
impl Port for Leaves {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        self.0 = self.0.checked_sub(1).ok_or(PortError::Closed)?;
        agreeable(&call).ok_or(PortError::Closed)
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_in_the_middle_ends_both_fairly() {
    let live = steps(&[NOW, SAY, ASK, TAG]);
    let (tap, candidate) =
        Shadow::start(&ENGINE, Arc::clone(&live), ShadowOptions::new(Header::new(&live, &options())));
    let candidate = tokio::spawn(candidate);
    let port = Recording::new(Leaves(2), Box::new(tap));
    // The session drops the call; the tap goes with it.
    ENGINE.run(&live, Box::new(port), options()).await;
    let report = candidate.await.expect("no panic");
    assert!(report.is_silent(), "{report:?}");
    assert_eq!(report.replay.expect("it ran").reached, 2);
}

/// Looks that the live flow did not take may be answered by a port; nothing else is asked of it.
#[tokio::test]
async fn a_port_for_reads_answers_what_the_live_flow_did_not_ask() {
    struct OnlyReads;
    #[async_trait]
    impl Port for OnlyReads {
        async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
            assert_eq!(call, HostCall::ClinicIsOpen);
            Ok(HostReply::ClinicIsOpen(true))
        }
    }
    let live = steps(&[ASK, TAG]);
    for (candidate, reads, verdict) in [
        (steps(&[ASK, IS_OPEN, TAG]), true, Verdict::ReadsReordered),
        (steps(&[ASK, IS_OPEN, TAG]), false, Verdict::NewQuestion),
        (steps(&[ASK, IS_OPEN, TAG_MORE]), true, Verdict::EffectChanged),
    ] {
        let mut shadow = ShadowOptions::new(Header::new(&live, &options()));
        shadow.reads = reads.then(|| Box::new(OnlyReads) as Box<dyn Port>);
        let (tap, candidate) = Shadow::start(&ENGINE, candidate, shadow);
        let port = Recording::new(Agreeable, Box::new(tap.clone()));
        let run = ENGINE.run(&live, Box::new(port), options()).await;
        tap.ended(&run.end);
        assert_eq!(candidate.await.verdict, verdict);
    }
}

#[tokio::test]
async fn the_last_places_are_for_callers() {
    let engine = Options { max_calls: 4, threads: 1, allocation: Allocation::OnDemand, ..Options::default() };
    let engine = Engine::with_options(engine).expect("an engine");
    let live = steps(&[SAY]);
    let mut shadow = ShadowOptions::new(Header::new(&live, &options()));
    shadow.spare_room = 4;
    let (tap, candidate) = Shadow::start(&engine, Arc::clone(&live), shadow);
    let report = candidate.await;
    assert_eq!(report.dropped_out, Some(DropOut::NoRoom { free: 4, spare: 4 }));
    assert!(!report.is_silent());
    tap.ended(&FlowEnd::Finished);
}
