//! `gudok doctor`: what is installed, what is missing and the command that installs it, whether this machine keeps up.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use exchange::checkup;
use exchange::config::Lines;
use serde_json::json;
use speech::recogniser::{Listen, Mode};
use speech::{Ears, Priority};

use crate::cli::{Doctor, Engine};
use crate::commands::transcribe::ears;
use crate::output::List;
use crate::place::Place;
use crate::{clinics, lines, stage};

/// One finding.
struct Finding {
    what: &'static str,
    state: &'static str,
    found: String,
    mend: String,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Finding {
        Finding { what, state: "ok", found: found.into(), mend: String::new() }
    }

    fn bad(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { what, state: "missing", found: found.into(), mend: mend.into() }
    }
}

pub async fn run(args: &Doctor, place: &Place) -> Result<()> {
    if let Some(name) = &args.line {
        return line(name, args, place).await;
    }
    let mut findings = vec![program("festival", "festival", "apt-get install festival festvox-ru")];
    findings.push(voice(place));
    findings.push(program("espeak-ng (spare voice)", "espeak-ng", "apt-get install espeak-ng"));
    findings.push(flow(place));
    findings.push(database(place).await);
    findings.push(meaning(place));
    findings.push(maps());
    findings.extend(cores());
    match ears(Engine::Auto, place) {
        Ok(ears) if !args.quick => findings.push(speed(&ears, place).await),
        Ok(_) => findings.push(Finding::good("recognition", "installed")),
        Err(error) => {
            findings.push(Finding::bad("recognition", format!("{error:#}"), "gudok models fetch whisper-base"))
        }
    }
    print(&findings, args)
}

fn print(findings: &[Finding], args: &Doctor) -> Result<()> {
    let mut list = List::new(&[("what", "what"), ("state", "state"), ("found", "found"), ("mend", "to mend it")]);
    for finding in findings {
        list.row([json!(finding.what), json!(finding.state), json!(finding.found), json!(finding.mend)]);
    }
    list.print(args.format)
}

/// What a call and a question mean beside their words.
fn meaning(place: &Place) -> Finding {
    match speech::sentences::Sentences::open(&place.models) {
        Ok(_) => Finding::good("meaning of sentences", "installed: tags and answers are right more often"),
        Err(error) => {
            let found = format!("calls and questions are judged by words alone ({error})");
            Finding::bad("meaning of sentences", found, "gudok models fetch e5-small")
        }
    }
}

/// One trunk, from registration to the sound that comes back.
async fn line(name: &str, args: &Doctor, place: &Place) -> Result<()> {
    let clinics = clinics::several(&args.clinic)?;
    let file = lines::file(args.lines.as_deref(), place).context("no lines file: name one with --lines")?;
    let read = Lines::load(&file, &clinics)?;
    let findings = checkup::line(&read, name).await.into_iter().map(|finding| Finding {
        what: finding.what,
        state: match finding.state {
            checkup::State::Good => "ok",
            checkup::State::Doubtful => "look",
            checkup::State::Bad => "broken",
        },
        found: finding.found,
        mend: finding.mend,
    });
    let findings: Vec<Finding> = findings.collect();
    print(&findings, args)?;
    let broken = findings.iter().filter(|finding| finding.state == "broken").count();
    anyhow::ensure!(broken == 0, "calls on {name} do not work yet");
    Ok(())
}

fn program(what: &'static str, name: &str, mend: &str) -> Finding {
    let version = Command::new(name).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    match version {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            Finding::good(what, text.lines().next().unwrap_or(name).trim().to_owned())
        }
        Err(_) => Finding::bad(what, "not installed", mend),
    }
}

fn voice(place: &Place) -> Finding {
    match stage::mouth("auto", None, place) {
        Ok(mouth) => Finding::good("voices", mouth.voices().join(", ")),
        Err(error) => Finding::bad("voices", error.to_string(), "apt-get install festival festvox-ru"),
    }
}

fn flow(place: &Place) -> Finding {
    match crate::flow::find::flow("vet-desk", &place.home) {
        Ok(path) => Finding::good("flow vet-desk", path.display().to_string()),
        Err(_) => Finding::bad("flow vet-desk", "not built", "make flows"),
    }
}

async fn database(place: &Place) -> Finding {
    let shown = records::shown(&place.db);
    // A server's address is no path; its database is made by its owner.
    if shown == place.db && !place.db.exists() {
        return Finding::good("database", format!("{}: will be made when it is needed", shown.display()));
    }
    let checked = match place.store().await {
        Ok(store) => store.check().await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => Finding::good("database", shown.display().to_string()),
        Err(error) => {
            Finding::bad("database", format!("{error:#}"), "restore it from a backup, or name another with --db")
        }
    }
}

/// Six memory maps a call: the kernel's limit is what ends the number of calls.
fn maps() -> Finding {
    let limit = std::fs::read_to_string(Path::new("/proc/sys/vm/max_map_count"));
    let limit: u64 = limit.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(65_530);
    let calls = limit / 6;
    if calls >= 1_000 {
        Finding::good("memory maps", format!("vm.max_map_count {limit}: room for about {calls} calls at a time"))
    } else {
        Finding::bad("memory maps", format!("vm.max_map_count {limit}"), "sysctl -w vm.max_map_count=262144")
    }
}

fn cores() -> Vec<Finding> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let fast = ["avx2", "fma", "f16c"].iter().all(|flag| flags.contains(flag));
    let kernels = if !cfg!(target_arch = "x86_64") || fast {
        Finding::good("processor", format!("{cores} cores"))
    } else {
        let mend = "build with GGML_AVX2=OFF GGML_FMA=OFF GGML_F16C=OFF (see .cargo/config.toml)";
        Finding::bad("processor", format!("{cores} cores without AVX2, FMA or F16C"), mend)
    };
    vec![kernels]
}

/// How long a caller would wait for the recognition of a short turn.
async fn speed(ears: &Ears, place: &Place) -> Finding {
    const TURN: &str = "Запишите кошку на завтра.";
    let Ok(mouth) = stage::mouth("auto", None, place) else {
        return Finding::good("recognition", "installed; its speed cannot be measured without a voice");
    };
    let Ok(Ok(speech)) = tokio::task::spawn_blocking(move || mouth.speak(TURN)).await else {
        return Finding::good("recognition", "installed; its speed cannot be measured, the voice failed");
    };
    let seconds = f64::from(speech.duration_ms()) / 1_000.0;
    let began = Instant::now();
    let listen = Listen { mode: Mode::Live, ..Listen::default() };
    match ears.hear(audio::telephone(&speech), listen, Priority::Live).await {
        Ok(_) => {
            let took = began.elapsed().as_millis();
            let found = format!("a turn of {seconds:.1} s in {took} ms");
            if took <= 1_000 {
                Finding::good("recognition", format!("{found}: keeps up"))
            } else {
                let mend = "a faster processor, or less beside it: callers would wait";
                Finding { state: "slow", ..Finding::bad("recognition", found, mend) }
            }
        }
        Err(error) => Finding::bad("recognition", error.to_string(), "gudok models fetch whisper-base"),
    }
}
