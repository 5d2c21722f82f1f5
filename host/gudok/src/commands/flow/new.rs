//! `gudok flow new`: a project that builds and passes its test at once.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::flow::new::{self, Choices, Compiler, Engine, Language};

#[derive(Debug, Args)]
pub struct New {
    /// The project's folder; its last part is the flow's name
    pub name: PathBuf,
    /// The language
    #[arg(long, value_enum)]
    pub lang: Language,
    /// What runs JavaScript
    #[arg(long, value_enum, default_value = "quickjs")]
    pub engine: Engine,
    /// What compiles C
    #[arg(long, value_enum, default_value = "clang")]
    pub compiler: Compiler,
}

pub fn run(args: &New) -> Result<()> {
    new::new(&args.name, &Choices { language: args.lang, engine: args.engine, compiler: args.compiler })?;
    let name = args.name.display();
    println!("{name}: ready. Next:");
    println!("    gudok flow build {name} --out {name}/flow.wasm");
    println!("    gudok flow test {name}/flow.wasm --clinic {name}/clinic.toml --scripts {name}/tests");
    Ok(())
}
