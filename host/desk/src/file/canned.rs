//! The section `[[canned]]`: answers that are sent by one click.

use super::names;
use super::reader::{Reader, Section};
use crate::Canned;

pub(super) fn canned(reader: &mut Reader, top: &Section) -> Vec<Canned> {
    let mut all: Vec<Canned> = Vec::new();
    for section in reader.tables(top, "canned") {
        reader.check_keys(&section, &["id", "title", "text"]);
        let title = reader.required_text(&section, "title", "what the button says, for example title = \"Адрес\"");
        let text = reader.required_text(&section, "text", "what is sent, for example text = \"Мы на {address}.\"");
        let (Some(title), Some(text)) = (title, text) else { continue };
        for place in Canned::unknown_places(&text) {
            let places = Canned::PLACES.iter().map(|place| format!("{{{place}}}")).collect::<Vec<_>>().join(", ");
            let problem = format!("nothing can be filled in for {{{place}}}");
            reader.mistake_at(&section, "text", problem, &format!("there are {places}"));
        }
        let id = reader.text(&section, "id").unwrap_or_else(|| names::id_from(&title));
        if all.iter().any(|other| other.id == id) {
            let hint = "give one of them an id of its own, for example id = \"address-2\"";
            reader.mistake_at(&section, "title", format!("two canned answers are called {id:?}"), hint);
        }
        all.push(Canned { id, title, text });
    }
    all
}
