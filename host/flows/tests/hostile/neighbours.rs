//! What the other calls notice: nothing. Their media keeps its beat while flows burn CPU.
//!
//! 200 calls, each with a media task that ticks every 20 ms on a runtime of its own, as a telephone line does, and
//! answers its flow's questions from there. First alone, then beside four flows that never stop computing (a new one
//! takes the place of each that was ended). Lateness is how long after its time a tick came.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use flows::host::{HostCall, HostReply};
use flows::{Engine, Flow, FlowEnd, Port, PortError, RunOptions, TrapKind};
use tokio::sync::{mpsc, oneshot};

use crate::support::{agreeable, echo};
use crate::table::engine;
use crate::upload::bare;

const CALLS: usize = 200;
const BURNING: usize = 4;
const FRAME: Duration = Duration::from_millis(20);
/// 2 s of media per call and phase.
const TICKS: u32 = 100;
/// What the project promises.
const PROMISED: Duration = Duration::from_millis(40);

pub fn neighbours_are_not_late() {
    let media = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("media")
        .enable_time()
        .build()
        .expect("a runtime");
    let engine = engine();
    // More turns than there is time for: calls end by their media's clock.
    let good = engine.compile("good", &echo(10_000)).expect("compiles");
    let burner = engine.compile("burner", &bare("", "(loop $again (br $again)) (i32.const 0)", "")).expect("compiles");

    let idle = media.block_on(lateness(&engine, &good));

    let (stop, burnt) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let fires: Vec<_> = (0..BURNING)
        .map(|_| {
            let (engine, flow, stop, burnt) =
                (engine.clone(), Arc::clone(&burner), Arc::clone(&stop), Arc::clone(&burnt));
            media.spawn(async move {
                while !stop.load(SeqCst) {
                    let report = engine.run(&flow, Box::new(Deaf), RunOptions::default()).await;
                    let FlowEnd::Trapped { kind: TrapKind::CpuLimit, .. } = report.end else { panic!("{report:?}") };
                    burnt.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    let beside = media.block_on(lateness(&engine, &good));
    stop.store(true, SeqCst);
    for fire in fires {
        media.block_on(fire).expect("it burnt to its end");
    }

    let (idle, beside) = (p99(idle), p99(beside));
    println!(
        "  lateness of {CALLS} calls' 20 ms timers, p99: {:.1} ms alone, {:.1} ms beside {BURNING} burning flows ({} burnt out)",
        idle.as_secs_f64() * 1e3,
        beside.as_secs_f64() * 1e3,
        burnt.load(SeqCst)
    );
    assert!(burnt.load(SeqCst) >= BURNING, "they did burn");
    assert!(
        beside <= PROMISED || beside <= 3 * idle,
        "p99 is {beside:?}; {PROMISED:?} is promised, and the machine alone was {idle:?} late"
    );
}

struct Deaf;

#[async_trait]
impl Port for Deaf {
    async fn call(&mut self, _call: HostCall) -> Result<HostReply, PortError> {
        Err(PortError::Closed)
    }
}

/// A call, and the reply it waits for.
type Asked = (HostCall, oneshot::Sender<HostReply>);

/// Sends everything to the media task, which answers at its next tick.
struct Line(mpsc::Sender<Asked>);

#[async_trait]
impl Port for Line {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        let (reply, replied) = oneshot::channel();
        self.0.send((call, reply)).await.map_err(|_| PortError::Closed)?;
        replied.await.map_err(|_| PortError::Closed)
    }
}

/// How late each tick of each call was.
async fn lateness(engine: &Engine, flow: &Arc<Flow>) -> Vec<Duration> {
    let calls: Vec<_> = (0..CALLS as u32)
        .map(|number| {
            let (engine, flow) = (engine.clone(), Arc::clone(flow));
            tokio::spawn(async move {
                let (wants, mut wanted) = mpsc::channel::<Asked>(1);
                let talking =
                    tokio::spawn(async move { engine.run(&flow, Box::new(Line(wants)), RunOptions::default()).await });
                // Not all in the same millisecond: lines are not.
                let began = Instant::now() + FRAME * number / CALLS as u32;
                let (mut late, mut answered) = (Vec::new(), 0);
                for tick in 1..=TICKS {
                    let due = began + FRAME * tick;
                    tokio::time::sleep_until(due.into()).await;
                    late.push(due.elapsed());
                    if let Ok((call, reply)) = wanted.try_recv() {
                        reply.send(agreeable(&call).expect("echo asks only what is known")).ok();
                        answered += 1;
                    }
                }
                drop(wanted);
                let report = talking.await.expect("no panic");
                assert!(matches!(report.end, FlowEnd::Trapped { kind: TrapKind::Port, .. }), "{report:?}");
                assert!(answered > 0, "the flow was never heard");
                late
            })
        })
        .collect();
    let mut all = Vec::new();
    for call in calls {
        all.extend(call.await.expect("no panic"));
    }
    all
}

fn p99(mut late: Vec<Duration>) -> Duration {
    late.sort_unstable();
    late[late.len() * 99 / 100]
}
