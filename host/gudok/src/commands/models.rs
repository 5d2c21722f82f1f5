//! `gudok models`: what there is to listen with, and fetching it.

use anyhow::Result;
use serde_json::json;

use crate::cli::Models;
use crate::output::List;
use crate::place::Place;

pub fn run(command: &Models, place: &Place) -> Result<()> {
    match command {
        Models::List { format } => {
            let mut list = List::new(&[
                ("id", "model"),
                ("installed", "installed"),
                ("megabytes", "MB"),
                ("licence", "licence"),
                ("purpose", "what it is for"),
            ]);
            for model in speech::models::list(&place.models)? {
                list.row([
                    json!(model.id),
                    json!(model.installed),
                    json!(model.size_mb),
                    json!(model.licence),
                    json!(model.purpose),
                ]);
            }
            list.print(*format)
        }
        Models::Fetch { ids } => {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            speech::models::fetch(&ids, &place.models, &mut |line| eprintln!("    {line}"))?;
            Ok(())
        }
    }
}
