//! Lists as a table, JSON or CSV, from one description.

use std::io::Write;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::cli::Format;

/// A list to print: the columns' keys (stable, for programs) with their titles (for people), and rows of values.
pub struct List {
    columns: Vec<(&'static str, &'static str)>,
    rows: Vec<Vec<Value>>,
}

impl List {
    /// An empty list.
    pub fn new(columns: &[(&'static str, &'static str)]) -> List {
        List { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// One row; values in the order of the columns.
    pub fn row(&mut self, values: impl IntoIterator<Item = Value>) {
        self.rows.push(values.into_iter().collect());
    }

    /// Print to standard output.
    pub fn print(&self, format: Format) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match format {
            Format::Table => out.write_all(self.table().as_bytes())?,
            Format::Json => {
                let rows: Vec<Value> = self.rows.iter().map(|row| self.object(row)).collect();
                writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
            }
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(self.columns.iter().map(|(key, _)| key))?;
                for row in &self.rows {
                    csv.write_record(row.iter().map(text))?;
                }
                csv.flush()?;
            }
        }
        Ok(())
    }

    fn object(&self, row: &[Value]) -> Value {
        let pairs = self.columns.iter().zip(row).map(|((key, _), value)| ((*key).to_owned(), value.clone()));
        Value::Object(Map::from_iter(pairs))
    }

    /// Columns as wide as their content; numbers to the right.
    fn table(&self) -> String {
        let cells: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(text).collect()).collect();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (_, title))| {
                let widest = cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count()).max();
                widest.unwrap_or(0).max(title.chars().count())
            })
            .collect();
        let mut table = String::new();
        let titles: Vec<String> = self.columns.iter().map(|(_, title)| (*title).to_owned()).collect();
        line(&mut table, &titles, &widths, |_| false);
        line(&mut table, &widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>(), &widths, |_| false);
        for (row, values) in cells.iter().zip(&self.rows) {
            line(&mut table, row, &widths, |index| values.get(index).is_some_and(Value::is_number));
        }
        table
    }
}

fn line(table: &mut String, cells: &[String], widths: &[usize], right: impl Fn(usize) -> bool) {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(index, (cell, width))| {
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
            if right(index) { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
        })
        .collect();
    table.push_str(padded.join("  ").trim_end());
    table.push('\n');
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_numbers_stand_right() {
        let mut list = List::new(&[("name", "имя"), ("calls", "звонков")]);
        list.row([Value::from("Ёж"), Value::from(7)]);
        list.row([Value::Null, Value::from(1200)]);
        assert_eq!(list.table(), "имя  звонков\n───  ───────\nЁж         7\n        1200\n");
    }
}
