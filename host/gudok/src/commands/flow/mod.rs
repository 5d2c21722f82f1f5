//! `gudok flow`: make, try, keep, roll out and examine flows. One module per command, its arguments beside it.

mod add;
mod build;
mod check;
mod deploy;
mod list;
mod new;
mod promote;
mod pull;
mod push;
mod remove;
mod replay;
mod rollback;
mod routes;
mod shadow;
mod show;
mod sign;
mod test;
mod trace;
mod try_out;
mod walk;

use anyhow::Result;
use clap::Subcommand;

use crate::place::Place;

#[derive(Debug, Subcommand)]
pub enum Flow {
    /// Begin a flow: a project in your language that builds and passes its test as it is
    New(new::New),
    /// Build a flow from source
    Build(build::Build),
    /// Check a flow as an upload would: what it asks for, how large it is, how long it takes to compile
    Check(check::Check),
    /// Play scripted conversations with a flow, thousands a second, and see what they reach of it
    Test(test::Test),
    /// What recorded callers would have heard from a version: graded, side by side, with no effects
    Replay(replay::Replay),
    /// Explore a flow by itself: answer every question in every way, and report dead ends, loops and traps
    Walk(walk::Walk),
    /// Show a recorded call step by step: what was said, every host call with its result, and when
    Trace(trace::Trace),
    /// Try a flow at the desk: type what the caller says, read what the robot answers. Nothing is kept
    Run(try_out::Run),
    /// Check a version and keep it in the library; an addition to what it asks for needs --allow
    Add(add::Add),
    /// The versions in the library
    List(list::ListVersions),
    /// Everything that is known of one version, beside the one before
    Show(show::Show),
    /// Remove a version that no route uses
    Remove(remove::Remove),
    /// Send a version to an OCI registry
    Push(push::Push),
    /// Fetch a version from an OCI registry into the library
    Pull(pull::Pull),
    /// Make a key to sign versions with
    Keygen(sign::Keygen),
    /// Sign a version
    Sign(sign::Sign),
    /// Let a version answer a clinic's calls: all, a share, or unheard beside the one that does; now or later
    Deploy(deploy::Deploy),
    /// Where the version that runs unheard would have done otherwise, call by call; or let it go
    Shadow(shadow::Shadow),
    /// The candidate answers every call
    Promote(promote::Promote),
    /// Back to the version before; a running canary is ended first
    Rollback(rollback::Rollback),
    /// Which version answers where
    Routes(routes::Routes),
}

pub async fn run(command: &Flow, place: &Place) -> Result<()> {
    match command {
        Flow::New(args) => new::run(args),
        Flow::Build(args) => build::run(args, place),
        Flow::Check(args) => check::run(args).await,
        Flow::Test(args) => test::run(args, place).await,
        Flow::Replay(args) => replay::run(args, place).await,
        Flow::Walk(args) => walk::run(args, place).await,
        Flow::Trace(args) => trace::run(args, place).await,
        Flow::Run(args) => try_out::run(args, place).await,
        Flow::Add(args) => add::run(args, place).await,
        Flow::List(args) => list::run(args, place).await,
        Flow::Show(args) => show::run(args, place).await,
        Flow::Remove(args) => remove::run(args, place).await,
        Flow::Push(args) => push::run(args, place).await,
        Flow::Pull(args) => pull::run(args, place).await,
        Flow::Keygen(args) => sign::keygen(args),
        Flow::Sign(args) => sign::run(args, place).await,
        Flow::Deploy(args) => deploy::run(args, place).await,
        Flow::Shadow(args) => shadow::run(args, place).await,
        Flow::Promote(args) => promote::run(args, place).await,
        Flow::Rollback(args) => rollback::run(args, place).await,
        Flow::Routes(args) => routes::run(args, place).await,
    }
}
