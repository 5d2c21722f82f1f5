//! `gudok flow`: make, try, keep, roll out and examine flows. One module per command, its arguments beside it.

mod build;
mod check;
mod new;
mod replay;
mod test;
mod try_out;

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
    /// Try a flow at the desk: type what the caller says, read what the robot answers. Nothing is kept
    Run(try_out::Run),
}

pub async fn run(command: &Flow, place: &Place) -> Result<()> {
    match command {
        Flow::New(args) => new::run(args),
        Flow::Build(args) => build::run(args, place),
        Flow::Check(args) => check::run(args),
        Flow::Test(args) => test::run(args, place).await,
        Flow::Replay(args) => replay::run(args, place).await,
        Flow::Run(args) => try_out::run(args, place).await,
    }
}
