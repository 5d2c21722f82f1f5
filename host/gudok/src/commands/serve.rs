//! `gudok serve`: the pages and the API, phone calls by the lines file, and what goes on beside. Without any configuration the
//! browser leads through the set-up.
//!
//! Layout: `files` says which clinics there are; `site` serves them and takes changes; `kit` is ears and voice; `demo` makes a
//! month up.

mod demo;
mod files;
mod kit;
mod site;

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use accounts::{OpenId, OpenIdSettings};
use anyhow::{Context, Result};
use desk::Clinic;
use exchange::config::Lines;
use records::Store;
use rollout::{ChangeKind, DropFolder, FlowChange, Switchboard};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, watch};
use web::auth::EntryRules;
use web::{FlowHouse, Metrics};

use crate::cli::Serve;
use crate::commands::report::categories;
use crate::flow::library::{House, component, now_ms};
use crate::place::Place;
use crate::{lines, stage};
use files::ClinicFiles;
use site::{Parts, Site};

pub use kit::Kit;

/// How often journals are looked through for those that are too old.
const PURGE: Duration = Duration::from_secs(3_600);

/// How long calls may go on when the program is stopped.
const LAST_CALLS: Duration = Duration::from_secs(30);

pub async fn run(args: &Serve, place: &Place) -> Result<()> {
    if !args.demo {
        return serve(args, place).await;
    }
    let place = demo::place(place);
    demo::prepare(&place).await?;
    serve(args, &place).await
}

async fn serve(args: &Serve, place: &Place) -> Result<()> {
    let files = ClinicFiles::new(&args.clinic, place);
    let clinics = files.read()?.clinics;
    let lines = lines::file(args.lines.as_deref(), place).map(|file| Lines::load(&file, &clinics)).transpose()?;
    let most_calls = lines.as_ref().and_then(|lines| lines.sip.as_ref()).map_or(0, |sip| sip.max_calls);
    let engine = stage::serving_engine(place, most_calls)?;
    let house = House::open_on(place, clinics.values().map(|clinic| &**clinic), engine).await?;
    let store = house.store.clone();
    site::tidy(&store).await?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("{}: cannot listen here (is something else there?)", args.listen))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() && !args.https {
        eprintln!(
            "warning: {address} can be reached from outside without https: passwords travel in the clear. Put a proxy \
                   with a certificate before it, and say --https"
        );
    }
    let served = if clinics.is_empty() { "no clinic yet".to_owned() } else { said(&clinics) };
    println!("gudok serves {served} on http://{address}");
    let routes = house.routes(clinics.values().map(|clinic| &**clinic))?;
    let shipped = shipped_for_the_unrouted(&house, &clinics, place).await?;
    let shipped_answers = shipped.is_some();
    let board = Switchboard::open(routes.clone(), shipped).await?;
    say_what_is_routed(&house, &clinics, shipped_answers).await?;

    let (stop, stopping) = watch::channel(false);
    let mut state = web::AppState::new(store.clone(), [], categories());
    state.entry = Arc::new(EntryRules { https: args.https, behind_proxy: args.https });
    state.hosts = args.host.clone().into();
    state.openid = args.openid.as_deref().map(openid).transpose()?;
    state.made_up = args.demo;
    let read = |wasm| component(wasm).map_err(|error| format!("{error:#}"));
    state.flows = Some(Arc::new(FlowHouse { routes: routes.clone(), board: Arc::clone(&board), read }));
    let (accounts, metrics) = (state.accounts.clone(), Arc::clone(&state.metrics));
    let parts = Parts {
        place: place.clone(),
        files,
        lines: args.lines.clone(),
        connections: args.connections.clone(),
        house,
        routes: routes.clone(),
        board: Arc::clone(&board),
        kit: Kit::open(&args.speech, place)?,
    };
    let site = Site::open(parts, state).await?;
    if args.demo {
        println!("  a made-up month: everybody in it is made up. Choose a password here, then sign in as `demo`:");
        println!("  http://{address}/invitation?token={}", demo::owner(&accounts, &store, now_ms()).await?);
    } else if let Some(secret) = accounts.first_link(now_ms()).await? {
        println!("  nobody may come in yet; become the owner here, once, within three days:");
        println!("  http://{address}/first-run?token={secret}");
    }
    if let Some(exchange) = site.exchange().await.filter(|exchange| exchange.lines().sip.is_some()) {
        lines::say(&exchange);
    }
    let counting = tokio::spawn(count_rollbacks(board.listen(), metrics));
    let following = tokio::spawn({
        let (board, stopping) = (Arc::clone(&board), told(stopping.clone()));
        async move { board.watch(stopping).await }
    });
    let drop_folder = place.home.join("flows/drop");
    let taking = tokio::spawn(DropFolder::new(drop_folder.clone(), routes).watch(told(stopping.clone())));
    let purging = tokio::spawn(purge(store, Arc::clone(&site), stopping.clone()));
    let looking = tokio::spawn(Arc::clone(&site).watch(stopping));

    // Who reads that it serves may stop it.
    let shutdown = shutdown()?;
    println!("  a flow in {}/CLINIC/ENTRY/ is deployed", drop_folder.display());
    println!("  http://{address}/desk  /api/v1 (what programs may ask)  /metrics  /healthz");
    site.served.serve(listener, shutdown).await?;
    if let Some(exchange) = site.exchange().await {
        if exchange.calls() > 0 {
            println!("no new calls; {} are going on and may end", exchange.calls());
        }
        exchange.stop(LAST_CALLS).await;
    }
    // Nobody asks for changes any more; what is under way is finished, then the routes stop being followed.
    stop.send(true).ok();
    for task in [taking, purging, following, looking] {
        task.await?;
    }
    site.end().await?;
    counting.abort();
    println!("stopped");
    Ok(())
}

fn said(clinics: &BTreeMap<String, Arc<Clinic>>) -> String {
    clinics.keys().cloned().collect::<Vec<_>>().join(", ")
}

/// The provider of identities that a file describes; its secret may stand in the environment.
fn openid(file: &Path) -> Result<Arc<OpenId>> {
    let said = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{said}: cannot be read"))?;
    let mut settings: OpenIdSettings = toml::from_str(&text).with_context(|| format!("{said}: see docs/access.md"))?;
    let secret = settings.client_secret.take();
    settings.client_secret = match secret.as_deref().and_then(|secret| secret.strip_prefix("env:")) {
        Some(name) => {
            let value = std::env::var(name);
            Some(value.with_context(|| format!("{said}: client_secret: the variable {name} is not set"))?)
        }
        None => secret,
    };
    Ok(Arc::new(OpenId::new(settings, accounts::system)?))
}

/// The flow that answers where nothing was deployed, if some clinic needs it and it was built.
async fn shipped_for_the_unrouted(
    house: &House,
    clinics: &BTreeMap<String, Arc<Clinic>>,
    place: &Place,
) -> Result<Option<Arc<flows::Flow>>> {
    let (_, routes) = house.store.flow_routes().await?;
    if !clinics.is_empty() && clinics.keys().all(|clinic| routes.iter().any(|route| route.clinic == *clinic)) {
        return Ok(None);
    }
    match stage::version(stage::SHIPPED, house.library.engine(), &house.store, place).await {
        Ok(flow) => Ok(Some(flow)),
        Err(error) => {
            eprintln!("warning: where no flow is deployed callers go straight to a person: {error:#}");
            Ok(None)
        }
    }
}

async fn say_what_is_routed(house: &House, clinics: &BTreeMap<String, Arc<Clinic>>, shipped: bool) -> Result<()> {
    let (_, routes) = house.store.flow_routes().await?;
    for clinic in clinics.keys() {
        let mut ours = routes.iter().filter(|route| route.clinic == *clinic).peekable();
        if ours.peek().is_none() && shipped {
            println!(
                "  {clinic}: {} answers; put another there with `gudok flow deploy FLOW --clinic {clinic}`",
                stage::SHIPPED
            );
        } else if ours.peek().is_none() {
            println!("  {clinic}: no flow answers yet; put one there with `gudok flow deploy FLOW --clinic {clinic}`");
        }
        for route in ours {
            println!("  {}", house.said(route).await);
        }
    }
    Ok(())
}

/// Ready when the server stops.
async fn told(mut stopping: watch::Receiver<bool>) {
    stopping.wait_for(|stop| *stop).await.ok();
}

/// What is older than its clinic keeps it is deleted, hourly.
async fn purge(store: Store, site: Arc<Site>, stopping: watch::Receiver<bool>) {
    let mut stopped = pin!(told(stopping));
    let mut hours = tokio::time::interval(PURGE);
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = hours.tick() => {}
        }
        let (now, clinics) = (now_ms(), site.clinics().await);
        if let Err(error) = accounts::Accounts::new(store.clone()).purge(now).await {
            tracing::error!(%error, "sessions that ended could not be deleted");
        }
        for clinic in clinics.values() {
            match store.apply_retention(&clinic.id, &clinic.privacy.terms(), now).await {
                Ok(report) if report.is_empty() => {}
                Ok(report) => {
                    tracing::info!(clinic = clinic.id, rows = ?report.rows, "what was kept long enough is gone")
                }
                Err(error) => tracing::error!(clinic = clinic.id, %error, "old data could not be deleted"),
            }
        }
        if let Err(error) = store.blank_old_jobs(now).await {
            tracing::error!(%error, "old jobs could not be blanked");
        }
        // Writers wait while the file is rewritten.
        if clinics.values().all(|clinic| !clinic.is_open(jiff::Timestamp::now()))
            && let Err(error) = store.finish_erasures(now).await
        {
            tracing::error!(%error, "people who were forgotten may still lie in free pages of the database");
        }
    }
}

async fn count_rollbacks(mut changes: broadcast::Receiver<FlowChange>, metrics: Arc<Metrics>) {
    loop {
        match changes.recv().await {
            Ok(change) => {
                let cause = match change.kind {
                    ChangeKind::RolledBack => "operator",
                    ChangeKind::RolledBackItself => change.cause.as_deref().unwrap_or("unknown"),
                    _ => continue,
                };
                metrics.flow_rolled_back(&change.clinic, change.entry.as_str(), cause);
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => tracing::warn!(missed, "changes of routes not counted"),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Ctrl-C, or the word of a service manager: heard from now on, not from when it is first asked for.
fn shutdown() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
