//! The program: command line, configuration, wiring. Nothing else.
//!
//! Layout: [`cli`] every word of the command line · `commands/` one module per command · [`place`] where things are ·
//! [`clinics`] and [`flow`] finding what is named · [`in_use`] what judges calls here, [`corpus`] what it learned from ·
//! [`stage`] a clinic ready for calls · [`lines`] the lines
//! file brought to life · [`terminal`], [`output`],
//! [`progress`] what a person sees.

mod chat_robot;
mod cli;
mod clinics;
mod commands;
mod corpus;
mod demo;
mod flow;
mod in_use;
mod lines;
mod output;
mod outside;
mod place;
mod progress;
mod stage;
mod terminal;
mod visitors;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use place::Place;

fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    let mut filter = EnvFilter::try_from_env("GUDOK_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // The SIP stack's own lines carry whole messages, numbers and credentials included.
    if let Ok(quiet) = sip::LOG_FILTER.parse() {
        filter = filter.add_directive(quiet);
    }
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("gudok: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gudok: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<()> {
    let place = Place::new(cli.home.as_deref(), cli.db.as_deref());
    match &cli.command {
        Command::Demo(args) => commands::demo::run(args, &place).await,
        Command::Call(args) => commands::call::run(args, &place).await,
        Command::Transcribe(args) => commands::transcribe::run(args, &place).await,
        Command::Classify(args) => commands::classify::run(args, &place).await,
        Command::Understand(args) => commands::understand::run(args, &place),
        Command::Import(args) => commands::import::run(args, &place).await,
        Command::Report(args) => commands::report::run(args, &place).await,
        Command::Review(args) => commands::review::run(args, &place).await,
        Command::Retag(args) => commands::retag::run(args, &place).await,
        Command::Category { command } => commands::category::run(command, &place).await,
        Command::Models { command } => commands::models::run(command, &place).await,
        Command::Flow { command } => commands::flow::run(command, &place).await,
        Command::Train(args) => commands::train::run(args, &place).await,
        Command::Evaluate(args) => commands::evaluate::run(args, &place),
        Command::User { command } => commands::user::run(command, &place).await,
        Command::Serve(args) => commands::serve::run(args, &place).await,
        Command::Simulate(args) => commands::simulate::run(args).await,
        Command::Backup(args) => commands::backup::run(args, &place).await,
        Command::Backups { command } => commands::backup::manage(command, &place).await,
        Command::Audit { command } => commands::audit::run(command, &place).await,
        Command::Person { command } => commands::person::run(command, &place).await,
        Command::Dial(args) => commands::dial::run(args, &place).await,
        Command::Doctor(args) => commands::doctor::run(args, &place).await,
        Command::CompileFlow => Ok(flows::compile_stdin()?),
    }
}

/// `println!` panics when its reader has gone, as in `gudok … | head`: that is no failure, and needs no backtrace.
fn end_quietly_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

/// The same for output that is written with `?`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
