//! One line that says how far a long work has come. On a terminal it is rewritten in place; elsewhere it is printed at
//! its end only.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The progress of a work with a known number of steps.
pub struct Progress {
    what: &'static str,
    total: usize,
    done: usize,
    began: Instant,
    terminal: bool,
}

impl Progress {
    /// A work that has not begun.
    pub fn new(what: &'static str, total: usize) -> Progress {
        let progress =
            Progress { what, total, done: 0, began: Instant::now(), terminal: std::io::stderr().is_terminal() };
        progress.show();
        progress
    }

    /// A work whose steps nobody has counted.
    pub fn counting(what: &'static str) -> Progress {
        Progress::new(what, 0)
    }

    /// One step is done.
    pub fn step(&mut self) {
        self.done += 1;
        self.show();
    }

    /// The work is over.
    pub fn done(self) {
        if self.terminal {
            // What was waited for stands below; the bar has done its work.
            eprint!("\r\x1b[K");
        }
    }

    fn show(&self) {
        if !self.terminal || (self.total == 0 && !self.done.is_multiple_of(100)) {
            return;
        }
        let seconds = self.began.elapsed().as_secs();
        match (24 * self.done).checked_div(self.total) {
            Some(filled) => {
                let bar: String = (0..24).map(|at| if at < filled { '█' } else { '░' }).collect();
                eprint!("\r    {} {bar} {}/{} · {seconds} с ", self.what, self.done, self.total);
            }
            None => eprint!("\r    {} {} · {seconds} с ", self.what, self.done),
        }
        std::io::stderr().flush().ok();
    }
}

/// Wait for a work without steps. When it takes more than a second, say so and for how long it has been going on;
/// where nobody watches, say it once.
pub async fn while_waiting<T>(what: &str, name: &str, work: impl Future<Output = T>) -> T {
    let (began, terminal) = (Instant::now(), std::io::stderr().is_terminal());
    let mut work = pin!(work);
    let mut said = false;
    loop {
        match tokio::time::timeout(Duration::from_secs(1), &mut work).await {
            Ok(done) => {
                if said && terminal {
                    eprint!("\r\x1b[K");
                }
                return done;
            }
            Err(_) if terminal => {
                eprint!("\r    {what} {name} · {} с ", began.elapsed().as_secs());
                std::io::stderr().flush().ok();
                said = true;
            }
            Err(_) if !said => {
                eprintln!("    {what} {name} …");
                said = true;
            }
            Err(_) => {}
        }
    }
}

/// The progress of bytes on their way, told by whoever moves them.
pub struct Bytes {
    what: &'static str,
    terminal: bool,
    /// The last share that was shown, in hundredths.
    shown: Arc<AtomicU64>,
}

impl Bytes {
    /// None has gone yet.
    pub fn new(what: &'static str) -> Bytes {
        Bytes { what, terminal: std::io::stderr().is_terminal(), shown: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// To be told how many have gone, of how many.
    pub fn watch(&self) -> Arc<dyn Fn(u64, u64) + Send + Sync> {
        let (what, terminal, shown) = (self.what, self.terminal, Arc::clone(&self.shown));
        Arc::new(move |done, total| {
            let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
            if terminal && shown.swap(percent, Ordering::Relaxed) != percent {
                let bar: String = (0..25).map(|at| if at * 4 < percent { '█' } else { '░' }).collect();
                eprint!("\r    {what} {bar} {} of {} kB ", done.div_ceil(1_000), total.div_ceil(1_000));
                std::io::stderr().flush().ok();
            }
        })
    }

    /// They have arrived.
    pub fn done(self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
