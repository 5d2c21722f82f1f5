//! Everything a clinic has of one person, for the person: a file per kind as JSON, the recordings, and a page that explains.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{AssertSqlSafe, Column as _, Row as _, ValueRef as _};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::number::Number;
use crate::person::Person;
use crate::personal::REGISTER;
use crate::{Pii, RecordsError, Result, Store};

/// A person's data, ready to be written somewhere.
#[derive(Debug, Clone)]
pub struct PersonExport {
    /// `README.txt` first.
    pub files: Vec<ExportFile>,
}

/// One file of an export.
#[derive(Debug, Clone)]
pub struct ExportFile {
    /// With `/` between folders.
    pub name: String,
    /// What is in it.
    pub body: ExportBody,
}

/// What is in a file of an export.
#[derive(Debug, Clone)]
pub enum ExportBody {
    /// This text.
    Text(Pii),
    /// The bytes of that file.
    Copy(PathBuf),
}

impl Store {
    /// Collects what a clinic has of a person: the same rows that an erasure would take. Journals are opened.
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] for what is no phone number, and those of [`Store::journal`].
    pub async fn export_person(&self, clinic: &str, phone: &Pii, now_ms: i64) -> Result<PersonExport> {
        let person = Person { clinic: clinic.to_owned(), number: Number::wanted(phone)? };
        let mut transaction = self.begin_write().await?;
        person.collect(&mut transaction).await?;
        let mut tables = Vec::new();
        for table in REGISTER {
            let Some(condition) = person.condition(table) else { continue };
            let sql = format!("SELECT * FROM {} WHERE {condition}", table.name);
            // Safe: made of the register's words and the number's digits; the clinic is bound.
            let rows = sqlx::query(AssertSqlSafe(sql)).bind(clinic).fetch_all(&mut *transaction).await?;
            if !rows.is_empty() {
                let rows = rows.iter().map(json_row).collect::<Result<Vec<_>>>()?;
                tables.push((table, rows));
            }
        }
        // What was collected was only for the looking up; the journals are opened without the write lock.
        transaction.rollback().await?;

        let mut files = Vec::new();
        let mut contents = String::new();
        for (table, mut rows) in tables {
            match table.name {
                "journal" => rows = self.opened_journals(&rows).await?,
                "flow_runs" => self.open_ends(&mut rows).await?,
                "flow_trial_calls" => self.open_trial_rows(clinic, &mut rows).await?,
                _ => {}
            }
            contents.push_str(&format!("{}.json — {}: {}\n", table.name, table.russian, rows.len()));
            let mut recordings = Vec::new();
            if table.name == "call_audio" {
                for row in &rows {
                    let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                    let from = self.audio_path(&word("sha256"))?;
                    if from.is_file() {
                        let name = format!("audio/{}-{}.wav", plain(&word("call")), plain(&word("kind")));
                        recordings.push(ExportFile { name, body: ExportBody::Copy(from) });
                    }
                }
            }
            let text = serde_json::to_string_pretty(&Value::Array(rows))
                .map_err(|error| RecordsError::BadValue { field: "export", problem: error.to_string() })?;
            files.push(ExportFile { name: format!("{}.json", table.name), body: ExportBody::Text(text.into()) });
            if !recordings.is_empty() {
                contents.push_str(&format!("audio/ — звук разговоров (WAV): {}\n", recordings.len()));
            }
            files.extend(recordings);
        }
        let readme = readme(clinic, person.number.canonical.as_str(), now_ms, &contents);
        files.insert(0, ExportFile { name: "README.txt".to_owned(), body: ExportBody::Text(readme.into()) });
        Ok(PersonExport { files })
    }

    async fn opened_journals(&self, rows: &[Value]) -> Result<Vec<Value>> {
        let mut calls: Vec<&str> = rows.iter().filter_map(|row| row["call"].as_str()).collect();
        calls.dedup();
        let mut opened = Vec::with_capacity(rows.len());
        for call in calls {
            for entry in self.journal(call).await? {
                // A request is JSON itself; whatever is not stays a text.
                let parsed = |text: &Pii| serde_json::from_str(text.as_str()).unwrap_or_else(|_| json!(text));
                opened.push(json!({
                    "call": entry.call, "seq": entry.seq, "at_ms": entry.at_ms,
                    "request": parsed(&entry.request), "reply": parsed(&entry.reply),
                }));
            }
        }
        Ok(opened)
    }

    async fn open_ends(&self, rows: &mut [Value]) -> Result<()> {
        for row in rows.iter_mut().filter(|row| !row["seal"].is_null()) {
            let Some(call) = row["call"].as_str() else { continue };
            let end = self.flow_run(call).await?.end;
            row["flow_end"] = json!(end);
            row["seal"] = Value::Null;
        }
        Ok(())
    }
}

impl PersonExport {
    /// Writes everything into a folder that is not there yet; only its owner may look into it.
    ///
    /// # Errors
    /// [`RecordsError::File`].
    pub fn write_folder(&self, folder: &Path) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        let bad = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| RecordsError::File { path, problem: error.to_string() }
        };
        fs::DirBuilder::new().mode(0o700).create(folder).map_err(bad(folder))?;
        for file in &self.files {
            let path = folder.join(&file.name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(bad(parent))?;
            }
            match &file.body {
                ExportBody::Text(text) => fs::write(&path, text.as_str()).map_err(bad(&path))?,
                ExportBody::Copy(from) => fs::copy(from, &path).map(|_| ()).map_err(bad(&path))?,
            }
        }
        Ok(())
    }

    /// Writes everything as one ZIP archive. Not packed: recordings hardly shrink, and everything can open it.
    ///
    /// # Errors
    /// [`RecordsError::File`].
    pub fn write_zip(&self, to: impl Write + Seek) -> Result<()> {
        let bad = |name: &str, problem: String| RecordsError::File { path: PathBuf::from(name), problem };
        let mut archive = ZipWriter::new(to);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        for file in &self.files {
            archive.start_file(&file.name, options).map_err(|error| bad(&file.name, error.to_string()))?;
            let written = match &file.body {
                ExportBody::Text(text) => archive.write_all(text.as_str().as_bytes()),
                ExportBody::Copy(from) => {
                    File::open(from).and_then(|mut from| std::io::copy(&mut from, &mut archive)).map(|_| ())
                }
            };
            written.map_err(|error| bad(&file.name, error.to_string()))?;
        }
        archive.finish().map_err(|error| bad("the archive", error.to_string()))?;
        Ok(())
    }
}

/// A row with all its columns.
fn json_row(row: &AnyRow) -> Result<Value> {
    let mut fields = Map::new();
    for (at, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(at)?;
        let value = if raw.is_null() {
            Value::Null
        } else {
            match raw.type_info().kind() {
                AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
                    json!(row.try_get::<i64, _>(at)?)
                }
                AnyTypeInfoKind::Real | AnyTypeInfoKind::Double => json!(row.try_get::<f64, _>(at)?),
                _ => json!(row.try_get::<String, _>(at)?),
            }
        };
        fields.insert(column.name().to_owned(), value);
    }
    Ok(Value::Object(fields))
}

/// Ids become file names.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '_' }).collect()
}

fn readme(clinic: &str, phone: &str, now_ms: i64, contents: &str) -> String {
    let made = jiff::Timestamp::from_millisecond(now_ms).map_or_else(|_| String::new(), |at| at.to_string());
    format!(
        "Персональные данные\n\n\
         Клиника: {clinic}\nНомер телефона: {phone}\nВыгружено: {made}\n\n\
         Здесь всё, что клиника хранит о вас и ваших обращениях: по одному файлу на каждый вид данных (JSON, кодировка UTF-8) \
         и звук разговоров.\n\n\
         {contents}\n\
         Поля, имена которых кончаются на _ms, — время или длительность в миллисекундах; время считается от 1 января 1970 года \
         по UTC. Поле call называет звонок, к которому относится строка: это поле id в файле calls.json.\n\n\
         Вы можете попросить клинику исправить эти данные или удалить их.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_make_sound_file_names() {
        assert_eq!(plain("0198-ab_c"), "0198-ab_c");
        assert_eq!(plain("../../etc/passwd"), "______etc_passwd");
    }
}
