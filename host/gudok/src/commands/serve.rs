//! `gudok serve`: phone calls by the lines file; health, metrics, the calls, the report and the flows as JSON; routes are
//! followed, the folder for flows is watched, old journals are deleted.

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
use tokio::sync::{broadcast, watch};
use web::auth::EntryRules;
use web::{FlowHouse, Metrics};

use crate::cli::Serve;
use crate::clinics;
use crate::commands::report::{categories, info};
use crate::commands::review::http::Reviews;
use crate::flow::library::{House, component};
use crate::lines::Ground;
use crate::outside::Outside;
use crate::place::Place;
use crate::{in_use, lines, stage, visitors};

/// How often journals are looked through for those that are too old.
const PURGE: Duration = Duration::from_secs(3_600);

/// How long calls may go on when the program is stopped.
const LAST_CALLS: Duration = Duration::from_secs(30);

pub async fn run(args: &Serve, place: &Place) -> Result<()> {
    let clinics = clinics::several(&args.clinic)?;
    let lines = match lines::file(args.lines.as_deref(), place) {
        Some(file) => Some(Lines::load(&file, &clinics)?),
        None => None,
    };
    let outside = Outside::read(args.connections.as_deref(), place, &clinics)?;
    let most_calls = lines.as_ref().and_then(|lines| lines.sip.as_ref()).map_or(0, |sip| sip.max_calls);
    let engine = stage::serving_engine(place, most_calls)?;
    let house = House::open_on(place, clinics.values().map(|clinic| &**clinic), engine).await?;
    let store = house.store.clone();
    // Calls that were going on when the program was last stopped are over.
    let now = jiff::Timestamp::now().as_millisecond();
    store.close_unfinished(now).await?;
    forget_again(&store, now).await?;
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
    println!("gudok serves {} on http://{address}", clinics.keys().cloned().collect::<Vec<_>>().join(", "));
    let routes = house.routes(clinics.values().map(|clinic| &**clinic))?;
    let shipped = match &lines {
        Some(_) => shipped_for_the_unrouted(&house, &clinics, place).await?,
        None => None,
    };
    let shipped_answers = shipped.is_some();
    let board = Switchboard::open(routes.clone(), shipped).await?;
    say_what_is_routed(&house, &clinics, shipped_answers).await?;

    let (stop, stopping) = watch::channel(false);
    let mut state = web::AppState::new(store.clone(), clinics.values().cloned(), categories());
    state.entry = Arc::new(EntryRules { https: args.https, behind_proxy: args.https });
    state.hosts = args.host.clone().into();
    state.openid = args.openid.as_deref().map(openid).transpose()?;
    if let Some(secret) = state.accounts.first_link(now).await? {
        println!("  nobody may come in yet; become the owner here, once, within three days:");
        println!("  http://{address}/first-run?token={secret}");
    }
    let desks = outside.desks(&clinics, &store)?;
    state.desks = Arc::new(desks.clone());
    let read = |wasm| component(wasm).map_err(|error| format!("{error:#}"));
    let own = clinics.keys().map(|clinic| {
        let own = in_use::own(place, clinic);
        (clinic.clone(), own.iter().map(|own| info(&own.about.category)).collect())
    });
    state.own_categories = Arc::new(own.collect());
    state.review = Some(Arc::new(Reviews::new(&clinics, store.clone(), in_use::tagger(place)?)));
    state.flows = Some(Arc::new(FlowHouse { routes: routes.clone(), board: Arc::clone(&board), read }));
    let exchange = match lines {
        Some(lines) => {
            let ground = Ground {
                clinics: &clinics,
                desks: &desks,
                engine: house.library.engine().clone(),
                board: Arc::clone(&board),
                store: store.clone(),
                speech: &args.speech,
                metrics: Arc::clone(&state.metrics),
            };
            let exchange = lines::open(lines, ground, place).await?;
            lines::say(&exchange);
            state.visits = visitors::routes(&exchange);
            state.audiosocket = (!exchange.lines().audiosockets.is_empty()).then(|| exchange.announcements().clone());
            Some(exchange)
        }
        None => None,
    };
    let beside = outside.start(&desks, &store, exchange.as_ref(), stopping.clone()).await?;
    state.inbound = Some(Arc::clone(&beside.inbound));
    let visiting = match &exchange {
        Some(exchange) if state.visits.is_some() => {
            Some(let_visitors_in(exchange.lines().visitors.listen, state.clone(), stopping.clone()).await?)
        }
        _ => None,
    };
    let counting = tokio::spawn(count_rollbacks(board.listen(), Arc::clone(&state.metrics)));
    let following = tokio::spawn({
        let (board, stopping) = (Arc::clone(&board), told(stopping.clone()));
        async move { board.watch(stopping).await }
    });
    let drop_folder = place.home.join("flows/drop");
    let taking = tokio::spawn(DropFolder::new(drop_folder.clone(), routes).watch(told(stopping.clone())));
    let purging = tokio::spawn(purge(store, clinics.into_values().collect(), stopping));

    println!("  a flow in {}/CLINIC/ENTRY/ is deployed", drop_folder.display());
    println!("  http://{address}/desk  /api/v1 (what programs may ask)  /metrics  /healthz");
    web::serve(listener, state, shutdown()).await?;
    if let Some(exchange) = &exchange {
        if exchange.calls() > 0 {
            println!("no new calls; {} are going on and may end", exchange.calls());
        }
        exchange.stop(LAST_CALLS).await;
    }
    // Nobody asks for changes any more; what is under way is finished, then the routes stop being followed.
    stop.send(true).ok();
    for task in [taking, purging, following] {
        task.await?;
    }
    beside.end().await;
    if let Some(visiting) = visiting {
        visiting.await??;
    }
    counting.abort();
    println!("stopped");
    Ok(())
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

/// Visitors of pages and media WebSockets have an address of their own: theirs may be public, the API's may not.
async fn let_visitors_in(
    listen: std::net::SocketAddr,
    state: web::AppState,
    stopping: watch::Receiver<bool>,
) -> Result<tokio::task::JoinHandle<std::io::Result<()>>> {
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("{listen}: visitors cannot be let in here ([visitors] listen); is something else there?")
    })?;
    println!("  visitors come in at http://{}", listener.local_addr()?);
    Ok(tokio::spawn(web::serve_public(listener, state, told(stopping))))
}

/// The flow that answers where nothing was deployed, if some clinic needs it and it was built.
async fn shipped_for_the_unrouted(
    house: &House,
    clinics: &BTreeMap<String, Arc<Clinic>>,
    place: &Place,
) -> Result<Option<Arc<flows::Flow>>> {
    let (_, routes) = house.store.flow_routes().await?;
    if clinics.keys().all(|clinic| routes.iter().any(|route| route.clinic == *clinic)) {
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

/// A database that was restored from a backup knows people again who were forgotten since.
async fn forget_again(store: &Store, now_ms: i64) -> Result<()> {
    let log = store.erasure_log();
    if !log.is_file() {
        return Ok(());
    }
    let again = store.replay_erasures(&records::read_erasure_log(&log)?, "system", now_ms).await?;
    if !again.is_empty() {
        println!("  {} people were forgotten again: this database is older than that", again.len());
    }
    Ok(())
}

/// Ready when the server stops.
async fn told(mut stopping: watch::Receiver<bool>) {
    stopping.wait_for(|stop| *stop).await.ok();
}

/// What is older than its clinic keeps it is deleted, hourly.
async fn purge(store: Store, clinics: Vec<Arc<Clinic>>, stopping: watch::Receiver<bool>) {
    let mut stopped = pin!(told(stopping));
    let mut hours = tokio::time::interval(PURGE);
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = hours.tick() => {}
        }
        let now = jiff::Timestamp::now().as_millisecond();
        if let Err(error) = accounts::Accounts::new(store.clone()).purge(now).await {
            tracing::error!(%error, "sessions that ended could not be deleted");
        }
        for clinic in &clinics {
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
        if clinics.iter().all(|clinic| !clinic.is_open(jiff::Timestamp::now()))
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

/// Ctrl-C, or the word of a service manager.
async fn shutdown() {
    let ctrl_c = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = ctrl_c => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            ctrl_c.await.ok();
        }
    }
}
