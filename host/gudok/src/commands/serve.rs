//! `gudok serve`: health, metrics, and the calls and the report as JSON.

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::cli::Serve;
use crate::clinics;
use crate::commands::report::categories;
use crate::place::Place;

pub async fn run(args: &Serve, place: &Place) -> Result<()> {
    let clinics = clinics::several(&args.clinic)?;
    let store = place.store().await?;
    // Calls that were going on when the program was last stopped are over.
    let now = jiff::Timestamp::now().as_millisecond();
    store.close_unfinished(now).await?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("{}: cannot listen here (is something else there?)", args.listen))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        eprintln!("warning: {address} can be reached from outside, and there are no users and passwords yet");
    }
    println!("gudok serves {} on http://{address}", clinics.keys().cloned().collect::<Vec<_>>().join(", "));
    println!("  http://{address}/healthz  /metrics  /api/v1/calls  /api/v1/report");
    let state = web::AppState::new(store, clinics.into_values(), categories());
    web::serve(listener, state, shutdown()).await?;
    println!("stopped");
    Ok(())
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
