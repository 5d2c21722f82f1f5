//! What is served, and how it changes while calls go on: a clinic file or the lines file says something else, and requests and
//! calls that begin from then on find it so.
//!
//! A change is taken whole or not at all: everything is read and checked before anything is put in its place. Calls end on what
//! they began with. Lines that telephones hang on are opened anew when nobody is on them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use desk::Clinic;
use exchange::config::Lines;
use exchange::{Exchange, House as Ready, checkup};
use lines::Pacer;
use records::{Entry, Store};
use rollout::{How, Routes, Switchboard};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use web::{AppState, Looked, Workshop};

use super::files::{ClinicFiles, Found};
use super::kit::Kit;
use crate::commands::report::info;
use crate::commands::review::http::Reviews;
use crate::flow::find;
use crate::flow::library::{House, Terms, act, now_ms, set_policies};
use crate::lines::{Ground, houses, open};
use crate::outside::{Outside, Running};
use crate::place::Place;
use crate::{in_use, stage, visitors};

/// How long what goes on beside the calls may take to end before it is begun anew.
const BESIDE: Duration = Duration::from_secs(10);
/// How long conversations may go on that began before the lines were opened anew.
const LAST_TALKS: Duration = Duration::from_secs(3_600);
/// How often files are looked at, and lines that wait for quiet.
const LOOK: Duration = Duration::from_secs(2);

/// Everything of a server that outlives a change, and what it serves now.
pub struct Site {
    parts: Parts,
    pub served: web::Served,
    now: Mutex<Now>,
    /// The file of each clinic that is served and has one.
    paths: RwLock<BTreeMap<String, PathBuf>>,
    /// Calls that keep new lines from being opened.
    waiting: AtomicUsize,
    me: Weak<Site>,
}

/// What a site is made of; none of it changes.
pub struct Parts {
    pub place: Place,
    pub files: ClinicFiles,
    /// The lines file of the command line.
    pub lines: Option<PathBuf>,
    /// The connections file of the command line.
    pub connections: Option<PathBuf>,
    pub house: House,
    pub routes: Routes,
    pub board: Arc<Switchboard>,
    pub kit: Kit,
}

/// What is served now.
#[derive(Default)]
struct Now {
    found: Found,
    /// The text of the lines file; none: there is none.
    lines: Option<String>,
    /// The content of all files when they were last read, well or not.
    content: u64,
    exchange: Option<(Exchange, Pacer)>,
    beside: Option<(Running, watch::Sender<bool>)>,
    door: Option<Door>,
}

/// Where visitors come in.
struct Door {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Site {
    /// Opens everything for the first time.
    pub async fn open(parts: Parts, state: AppState) -> Result<Arc<Site>> {
        let site = Arc::new_cyclic(|me| Site {
            parts,
            served: web::Served::new(state),
            now: Mutex::default(),
            paths: RwLock::default(),
            waiting: AtomicUsize::new(0),
            me: Weak::clone(me),
        });
        site.take().await?;
        Ok(site)
    }

    fn store(&self) -> &Store {
        &self.parts.house.store
    }

    /// The lines file: the one of the command line, else the usual one, whether it is there yet or not.
    fn lines_file(&self) -> PathBuf {
        self.parts.lines.clone().unwrap_or_else(|| self.parts.place.home.join("lines.toml"))
    }

    /// The lines as their file says; without one, conversations are held in the desk's own pages only.
    fn read_lines(&self, clinics: &BTreeMap<String, Arc<Clinic>>) -> Result<(Option<String>, Lines)> {
        let file = self.lines_file();
        let (name, folder) = (file.display().to_string(), file.parent().unwrap_or(Path::new("")));
        if self.parts.lines.is_none() && !file.is_file() {
            return Ok((None, Lines::parse("", &name, folder, clinics)?));
        }
        let text = std::fs::read_to_string(&file).with_context(|| format!("{name}: cannot be read"))?;
        let lines = Lines::parse(&text, &name, folder, clinics)?;
        Ok((Some(text), lines))
    }

    /// Reads the files and serves what they say.
    pub async fn take(&self) -> Result<()> {
        let mut now = self.now.lock().await;
        now.content = self.parts.files.content(Some(&self.lines_file()));
        let found = self.parts.files.read()?;
        let (text, lines) = self.read_lines(&found.clinics)?;
        let outside = Outside::read(self.parts.connections.as_deref(), &self.parts.place, &found.clinics)?;
        let desks = outside.desks(&found.clinics, self.store())?;
        if text.is_some() && now.lines.is_none() {
            self.parts.kit.must_hear().await?;
        }
        let listen = visitors::wanted(&lines).then_some(lines.visitors.listen);
        let door = self.new_door(&now, listen).await?;
        // From here on everything is read and checked; what may still fail is a port that somebody else has.
        set_policies(&self.parts.routes, found.clinics.values().map(|clinic| &**clinic))?;
        let pacer = match &now.exchange {
            Some((_, pacer)) => pacer.clone(),
            None => Pacer::start(lines.media.shards),
        };
        let ground = Ground {
            clinics: &found.clinics,
            engine: self.parts.house.library.engine(),
            board: &self.parts.board,
            desks: &desks,
            store: self.store(),
            kit: &self.parts.kit,
            pacer: &pacer,
            must_speak: text.is_some(),
        };
        let houses = houses(&ground, &self.parts.place)?;
        let same_clinics = now.found.clinics.keys().eq(found.clinics.keys());
        if now.exchange.is_none() || now.lines != text || !same_clinics {
            self.open_lines(&mut now, lines, text, houses.clone(), &pacer).await?;
        } else if let Some((exchange, _)) = &now.exchange {
            exchange.renew(houses.clone());
        }
        let exchange = now.exchange.as_ref().map(|(exchange, _)| exchange.clone());
        if let Some((beside, stop)) = now.beside.take() {
            stop.send_replace(true);
            if tokio::time::timeout(BESIDE, beside.end()).await.is_err() {
                tracing::warn!("what went on beside the calls was broken off: it took too long to end");
            }
        }
        let (stop, stopping) = watch::channel(false);
        let mut state = self.served.state();
        state.clinics = Arc::new(found.clinics.clone());
        let own = found.clinics.keys().map(|clinic| {
            let own = in_use::own(&self.parts.place, clinic);
            (clinic.clone(), own.iter().map(|own| info(&own.about.category)).collect())
        });
        state.own_categories = Arc::new(own.collect());
        let of_clinics = found.clinics.keys().map(|clinic| (clinic.clone(), state.categories_of(clinic))).collect();
        let beside = outside.start(&desks, of_clinics, self.store(), exchange.as_ref(), stopping).await?;

        state.desks = Arc::new(desks);
        let tagger = Arc::clone(&self.parts.kit.tagger);
        state.review = Some(Arc::new(Reviews::new(&found.clinics, self.store().clone(), tagger)));
        state.inbound = Some(Arc::clone(&beside.inbound));
        state.robot_writes = exchange.is_some();
        state.workshop = self.me.upgrade().map(|me| me as Arc<dyn Workshop>);
        state.live = exchange.as_ref().map(visitors::live);
        state.audiosocket = None;
        if let Some(exchange) = &exchange {
            let visits = visitors::routes(exchange, houses, self.parts.house.library.clone());
            state.visits = Some(match &state.visits {
                Some(before) => visits.after(before),
                None => visits,
            });
            state.audiosocket = (!exchange.lines().audiosockets.is_empty()).then(|| exchange.announcements().clone());
        } else {
            state.visits = None;
        }
        *self.paths.write().unwrap_or_else(PoisonError::into_inner) = found.files.clone();
        self.served.replace(state);
        self.change_door(&mut now, listen, door);
        now.beside = Some((beside, stop));
        now.found = found;
        Ok(())
    }

    /// Opens the lines anew. Without telephones on them the old ones just end their conversations; with telephones they go on
    /// until nobody is on them, and know the clinics as they are now meanwhile.
    async fn open_lines(
        &self,
        now: &mut Now,
        lines: Lines,
        text: Option<String>,
        houses: Vec<Ready>,
        pacer: &Pacer,
    ) -> Result<()> {
        let metrics = Arc::clone(&self.served.state().metrics);
        if let Some((old, _)) = &now.exchange {
            let holds_ports = old.lines().sip.is_some() || !old.lines().audiosockets.is_empty();
            if holds_ports && old.calls() > 0 {
                old.renew(houses);
                self.waiting.store(old.calls(), Ordering::Relaxed);
                self.come_back(old.clone());
                return Ok(());
            }
            if holds_ports {
                let (before, old_lines) = (old.clone(), old.lines().clone());
                old.stop(Duration::ZERO).await;
                match open(lines, houses.clone(), Arc::clone(&metrics), &self.parts.place).await {
                    Ok(exchange) => now.exchange = Some((exchange, pacer.clone())),
                    Err(error) => {
                        // What worked before works again.
                        drop(before);
                        let exchange = open(old_lines, houses, metrics, &self.parts.place).await?;
                        now.exchange = Some((exchange, pacer.clone()));
                        return Err(error);
                    }
                }
                now.lines = text;
                self.waiting.store(0, Ordering::Relaxed);
                return Ok(());
            }
        }
        let before = now.exchange.take();
        if !houses.is_empty() {
            match open(lines, houses, metrics, &self.parts.place).await {
                Ok(exchange) => now.exchange = Some((exchange, pacer.clone())),
                Err(error) => {
                    now.exchange = before;
                    return Err(error);
                }
            }
        }
        now.lines = text;
        self.waiting.store(0, Ordering::Relaxed);
        if let Some((old, _)) = before {
            tokio::spawn(async move { old.stop(LAST_TALKS).await });
        }
        Ok(())
    }

    /// Looks again when the lines are quiet.
    fn come_back(&self, old: Exchange) {
        let me = Weak::clone(&self.me);
        tokio::spawn(async move {
            while old.calls() > 0 {
                tokio::time::sleep(LOOK).await;
            }
            if let Some(site) = me.upgrade()
                && let Err(error) = site.take().await
            {
                tracing::error!(error = format!("{error:#}"), "new lines could not be opened");
            }
        });
    }

    async fn new_door(&self, now: &Now, listen: Option<SocketAddr>) -> Result<Option<TcpListener>> {
        let Some(listen) = listen.filter(|listen| now.door.as_ref().is_none_or(|door| door.address != *listen)) else {
            return Ok(None);
        };
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("{listen}: visitors cannot be let in here ([visitors] listen); is something else there?")
        })?;
        println!("  visitors come in at http://{}", listener.local_addr()?);
        Ok(Some(listener))
    }

    fn change_door(&self, now: &mut Now, listen: Option<SocketAddr>, new: Option<TcpListener>) {
        if let Some(door) = now.door.take_if(|door| listen != Some(door.address)) {
            door.stop.send_replace(true);
        }
        if let (Some(address), Some(listener)) = (listen, new) {
            let (stop, mut stopping) = watch::channel(false);
            let served = self.served.clone();
            let task = tokio::spawn(async move {
                let stopped = async move {
                    stopping.wait_for(|stop| *stop).await.ok();
                };
                served.serve_public(listener, stopped).await
            });
            now.door = Some(Door { address, stop, task });
        }
    }

    /// Takes changes that were made with an editor, until `stopping`.
    pub async fn watch(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let content = self.parts.files.content(Some(&self.lines_file()));
            if self.now.lock().await.content == content {
                continue;
            }
            match self.take().await {
                Ok(()) => println!("  the files of clinics or lines have changed: they hold from now on"),
                Err(error) => eprintln!("warning: everything stays as it was: {error:#}"),
            }
        }
    }

    /// The clinics as they are served.
    pub async fn clinics(&self) -> BTreeMap<String, Arc<Clinic>> {
        self.now.lock().await.found.clinics.clone()
    }

    /// The lines, where there are any.
    pub async fn exchange(&self) -> Option<Exchange> {
        self.now.lock().await.exchange.as_ref().map(|(exchange, _)| exchange.clone())
    }

    /// Ends what goes on beside the requests.
    pub async fn end(&self) -> Result<()> {
        let mut now = self.now.lock().await;
        if let Some((beside, stop)) = now.beside.take() {
            stop.send_replace(true);
            beside.end().await;
        }
        if let Some(door) = now.door.take() {
            door.stop.send_replace(true);
            door.task.await??;
        }
        Ok(())
    }
}

#[async_trait]
impl Workshop for Site {
    fn folder(&self) -> Option<&Path> {
        self.parts.files.folder()
    }

    fn file(&self, clinic: &str) -> Option<PathBuf> {
        self.paths.read().unwrap_or_else(PoisonError::into_inner).get(clinic).cloned()
    }

    async fn reload(&self) -> Result<(), String> {
        self.take().await.map_err(|error| format!("{error:#}"))
    }

    async fn hire(&self, clinic: &str, by: &str) -> Result<(), String> {
        let shipped = async {
            let version = match find::flow(stage::SHIPPED, &self.parts.place.home) {
                Ok(path) => self.parts.house.add_file(&path, Some(stage::SHIPPED), Terms::default()).await?.version,
                // It may be in the library though its file is gone.
                Err(missing) => self.parts.house.library.show(stage::SHIPPED).await.map_err(|_| missing)?,
            };
            self.parts.routes.deploy(clinic, Entry::Day, &version.digest, How::All, None, act(by, "")).await?;
            self.parts.board.refresh().await?;
            anyhow::Ok(())
        };
        shipped.await.map_err(|error| format!("{error:#}"))
    }

    fn voiceless(&self) -> Option<String> {
        self.parts.kit.voiceless(&self.parts.place)
    }

    fn lines(&self) -> PathBuf {
        self.lines_file()
    }

    fn check_lines(&self, text: &str) -> Result<(), String> {
        let file = self.lines_file();
        let state = self.served.state();
        let folder = file.parent().unwrap_or(Path::new(""));
        Lines::parse(text, "lines.toml", folder, &state.clinics).map(|_| ()).map_err(|errors| errors.to_string())
    }

    async fn try_line(&self, text: &str, trunk: &str) -> Vec<Looked> {
        let file = self.lines_file();
        let state = self.served.state();
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut lines = match Lines::parse(text, "lines.toml", folder, &state.clinics) {
            Ok(lines) => lines,
            Err(errors) => {
                return vec![Looked { what: "lines.toml".to_owned(), good: false, said: errors.to_string() }];
            }
        };
        // On a port of its own: the usual one may be in use, by this very server.
        if let Some(sip) = &mut lines.sip {
            sip.udp = vec![SocketAddr::from(([0, 0, 0, 0], 0))];
            sip.tcp.clear();
            sip.tls.clear();
        }
        let findings = checkup::line(&lines, trunk).await;
        let looked = findings.into_iter().map(|one| Looked {
            what: one.what.to_owned(),
            good: one.state != checkup::State::Bad,
            said: if one.mend.is_empty() { one.found } else { format!("{}; {}", one.found, one.mend) },
        });
        looked.collect()
    }

    fn pending(&self) -> Option<usize> {
        Some(self.waiting.load(Ordering::Relaxed)).filter(|calls| *calls > 0)
    }
}

/// Calls and trials that were going on when the program was last stopped are over; who was forgotten since a backup is forgotten again.
pub async fn tidy(store: &Store) -> Result<()> {
    let now = now_ms();
    store.close_unfinished(now).await?;
    store.break_off_flow_trials(now).await?;
    let log = store.erasure_log();
    if !log.is_file() {
        return Ok(());
    }
    let again = store.replay_erasures(&records::read_erasure_log(&log)?, "system", now).await?;
    if !again.is_empty() {
        println!("  {} people were forgotten again: this database is older than that", again.len());
    }
    Ok(())
}
