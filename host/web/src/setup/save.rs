//! The road of every change to a clinic file: seen, changed, checked, noted, written, served.

use std::path::PathBuf;

use desk::Clinic;
use maud::{Markup, html};

use super::edit::Edited;
use super::{Told, files, said};
use crate::Problem;
use crate::pages::{Desk, Fields, token};

/// The first things in every form of a step: the session's word, and which content of the file was seen.
pub(super) fn hidden(desk: &Desk) -> Markup {
    html! { (token(desk)) input type="hidden" name="seen" value=(seen(desk)); }
}

/// What names the present content of the clinic's file; empty where there is none.
fn seen(desk: &Desk) -> String {
    let text = file(desk).and_then(|path| std::fs::read_to_string(path).ok());
    text.map_or_else(String::new, |text| files::tag(&text))
}

/// The clinic's file, where it has one.
pub(super) fn file(desk: &Desk) -> Option<PathBuf> {
    desk.state.workshop.as_ref()?.file(&desk.clinic.id)
}

/// Makes a change; whatever keeps it from being made is told. `what` names the step in the audit.
///
/// # Errors
/// Only what is no fault of whoever changes: the audit cannot be written.
pub(super) async fn change(
    desk: &Desk,
    fields: &Fields,
    what: &str,
    edit: impl FnOnce(&mut Edited) -> Result<(), String> + Send,
) -> Result<Told, Problem> {
    rewrite(desk, fields, what, |text| {
        let mut edited = Edited::parse(text)?;
        edit(&mut edited)?;
        Ok(edited.text())
    })
    .await
}

/// The same for the text as a whole.
pub(super) async fn rewrite(
    desk: &Desk,
    fields: &Fields,
    what: &str,
    edit: impl FnOnce(&str) -> Result<String, String> + Send,
) -> Result<Told, Problem> {
    let t = |ru, en| desk.lang.pick(ru, en);
    let (Some(workshop), Some(path)) = (&desk.state.workshop, file(desk)) else {
        return Ok(Told::wrong(t("у этой клиники нет своего файла", "this clinic has no file of its own")));
    };
    let _alone = desk.state.editing.lock().await;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return Ok(Told::wrong(format!("{}: {error}", path.display()))),
    };
    if fields.get("seen") != Some(files::tag(&text).as_str()) {
        return Ok(Told::wrong(t(
            "файл тем временем изменил кто-то ещё; посмотрите, что в нём теперь, и повторите",
            "somebody else changed the file meanwhile; look at what it says now, and repeat",
        )));
    }
    let new = match edit(&text) {
        Ok(new) => new,
        Err(wrong) => return Ok(Told::wrong(wrong)),
    };
    if new == text {
        return Ok(Told::go("same"));
    }
    let name = path.file_name().map_or_else(|| desk.clinic.id.clone(), |name| name.to_string_lossy().into_owned());
    match Clinic::parse(&new, &name) {
        Ok(clinic) if clinic.id != desk.clinic.id => {
            return Ok(Told::wrong(t(
                "id: короткое имя нельзя менять: по нему лежат звонки и приёмы",
                "id: the short name must stay: calls and visits are kept by it",
            )));
        }
        Ok(_) => {}
        Err(errors) => {
            return Ok(Told::all_wrong(said(&errors, desk.lang)));
        }
    }
    desk.witness("clinic.changed", "clinic", what).await?;
    if let Err(error) = files::write(&path, &new, desk.now()) {
        tracing::error!(%error, "a clinic file could not be written");
        return Ok(Told::wrong(format!("{}: {error}", path.display())));
    }
    if let Err(why) = workshop.reload().await {
        // It reads well and cannot be served: as it was.
        if let Err(error) = files::write(&path, &text, desk.now()) {
            tracing::error!(%error, "a clinic file could not be put back");
        }
        return Ok(Told::wrong(why));
    }
    Ok(Told::go(if workshop.pending().is_some() { "pending" } else { "saved" }))
}
