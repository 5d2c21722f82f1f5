//! The steps of the reminders in a clinic file, and the texts they send: one is changed, added or taken out, and the others stay
//! as they were written. Where none are written those of the trade hold; they are written down before one of them is changed.

use desk::{ReminderStep, StepTime, StepWay};
use toml_edit::{Array, InlineTable, Item, Table, TableLike, Value};

use super::edit::{Change, Edited, set};

/// Ways that may have texts of their own.
const WAYS: [&str; 3] = ["sms", "messenger", "email"];

impl Edited {
    /// Changes the step at a place, or adds one at the end.
    ///
    /// # Errors
    /// The steps are written in a way that only an editor of the file understands.
    pub(crate) fn put_step(
        &mut self,
        usual: &[ReminderStep],
        place: Option<usize>,
        changes: Vec<Change<'_>>,
    ) -> Result<(), String> {
        match (steps(self.top(), usual)?, place) {
            (Item::Value(Value::Array(list)), Some(place)) => {
                let Some(step) = list.get_mut(place).and_then(Value::as_inline_table_mut) else { return Ok(()) };
                changes.into_iter().for_each(|(key, value)| set(step, key, value));
                step.fmt();
            }
            (Item::Value(Value::Array(list)), None) => {
                let mut step = InlineTable::new();
                changes.into_iter().for_each(|(key, value)| set(&mut step, key, value));
                step.fmt();
                let mut step = Value::InlineTable(step);
                step.decor_mut().set_prefix("\n    ");
                list.push_formatted(step);
                list.set_trailing("\n");
                list.set_trailing_comma(true);
            }
            (Item::ArrayOfTables(tables), Some(place)) => {
                let Some(step) = tables.get_mut(place) else { return Ok(()) };
                changes.into_iter().for_each(|(key, value)| set(step, key, value));
            }
            (Item::ArrayOfTables(tables), None) => {
                let mut step = Table::new();
                changes.into_iter().for_each(|(key, value)| set(&mut step, key, value));
                step.decor_mut().set_prefix("\n");
                tables.push(step);
            }
            _ => return Err(strange()),
        }
        Ok(())
    }

    /// Takes a step out, with the texts that were written for it.
    ///
    /// # Errors
    /// Those of [`Edited::put_step`].
    pub(crate) fn remove_step(&mut self, usual: &[ReminderStep], place: usize, id: &str) -> Result<(), String> {
        match steps(self.top(), usual)? {
            Item::Value(Value::Array(list)) if place < list.len() => {
                list.remove(place);
            }
            Item::ArrayOfTables(tables) if place < tables.len() => {
                tables.remove(place);
            }
            _ => return Ok(()),
        }
        // Texts of the trade are there without a step.
        if desk::TEXTS.contains(&id) {
            return Ok(());
        }
        for language in desk::Language::ALL {
            let Some(texts) = self.texts(language.as_str()) else { continue };
            set(texts, id, None);
            for way in WAYS {
                if let Some(texts) = texts.get_mut(way).and_then(Item::as_table_like_mut) {
                    set(texts, id, None);
                }
            }
        }
        Ok(())
    }

    /// The clinic's own text of a step; none: that of the trade.
    pub(crate) fn set_text(&mut self, language: &str, name: &str, text: Option<&str>) {
        if text.is_some() && self.texts(language).is_none() {
            let templates = self.top().entry("templates").or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            if let Some(templates) = templates.as_table_like_mut() {
                templates.insert(language, Item::Table(Table::new()));
            }
        }
        if let Some(texts) = self.texts(language) {
            set(texts, name, text.map(Value::from));
        }
    }

    fn texts(&mut self, language: &str) -> Option<&mut dyn TableLike> {
        self.top().get_mut("templates")?.as_table_like_mut()?.get_mut(language)?.as_table_like_mut()
    }
}

fn strange() -> String {
    "reminders.steps: it is no list of tables; change it in the whole file".to_owned()
}

/// The list of steps, written down first where there is none.
fn steps<'a>(top: &'a mut Table, usual: &[ReminderStep]) -> Result<&'a mut Item, String> {
    let reminders = top.entry("reminders").or_insert_with(|| Item::Table(Table::new()));
    let reminders = reminders.as_table_like_mut().ok_or_else(strange)?;
    if reminders.get("steps").is_none() {
        let mut list = Array::new();
        for step in usual {
            let mut table = InlineTable::new();
            for (key, value) in particulars(step) {
                set(&mut table, key, value);
            }
            table.fmt();
            let mut step = Value::InlineTable(table);
            step.decor_mut().set_prefix("\n    ");
            list.push_formatted(step);
        }
        list.set_trailing("\n");
        list.set_trailing_comma(true);
        reminders.insert("steps", Item::Value(list.into()));
    }
    reminders.get_mut("steps").ok_or_else(strange)
}

/// A step as the file has it.
pub(super) fn particulars(step: &ReminderStep) -> Vec<Change<'static>> {
    let how = match step.how {
        StepWay::Message => None,
        StepWay::Call => Some(Value::from("call")),
        StepWay::List => Some(Value::from("list")),
    };
    vec![
        ("id", Some(Value::from(step.id.as_str()))),
        ("when", Some(Value::from(when(step.when)))),
        ("asks", step.asks.then(|| Value::from(true))),
        ("to", step.unanswered.then(|| Value::from("unanswered"))),
        ("how", how),
    ]
}

/// As the file says it.
pub(super) fn when(when: StepTime) -> String {
    match when {
        StepTime::AtOnce => "at once".to_owned(),
        StepTime::DaysBefore(1, at) => format!("1 day before at {at}"),
        StepTime::DaysBefore(days, at) => format!("{days} days before at {at}"),
        StepTime::MinutesBefore(minutes) if minutes % 60 == 0 => format!("{} h before", minutes / 60),
        StepTime::MinutesBefore(minutes) => format!("{minutes} min before"),
    }
}

#[cfg(test)]
mod tests {
    use desk::{Clinic, Language, Reminders};
    use records::Channel;

    use super::*;

    const LAPA: &str = include_str!("../../../../clinics/vet_lapa.toml");

    fn comments(text: &str) -> usize {
        text.lines().filter(|line| line.trim_start().starts_with('#')).count()
    }

    #[test]
    fn a_step_is_changed_added_and_taken_out_and_every_comment_stays() {
        let usual = Reminders::default().steps;
        let mut file = Edited::parse(LAPA).unwrap();
        let changed = ReminderStep { when: StepTime::MinutesBefore(90), ..usual[3].clone() };
        file.put_step(&usual, Some(3), particulars(&changed)).unwrap();
        let new =
            ReminderStep { id: "week".into(), when: StepTime::DaysBefore(7, "10:00".parse().unwrap()), ..changed };
        file.put_step(&usual, None, particulars(&new)).unwrap();
        file.set_text("ru", "week", Some("{clinic}: через неделю ждём вас {when}."));
        file.remove_step(&usual, 2, "call").unwrap();
        let text = file.text();
        let clinic = Clinic::parse(&text, "changed").unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let ids: Vec<&str> = clinic.reminders.steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(ids, ["booked", "day-before", "soon", "week"]);
        assert_eq!(clinic.reminders.steps[2].when, StepTime::MinutesBefore(90));
        assert!(clinic.templates.text("week", Channel::Sms, Language::Russian).contains("через неделю"));
        assert_eq!(comments(&text), comments(LAPA));
        assert!(text.contains("    { id = \"week\", when = \"7 days before at 10:00\" },\n]"), "{text}");

        // Its text goes with it; that of the trade comes back.
        file.set_text("ru", "soon", Some("Ждём {when}"));
        file.remove_step(&usual, 3, "week").unwrap();
        file.set_text("ru", "soon", None);
        let clinic = Clinic::parse(&file.text(), "changed").unwrap();
        assert!(clinic.reminders.steps.len() == 3 && clinic.templates.texts.is_empty(), "{}", file.text());
    }

    #[test]
    fn steps_of_the_trade_are_written_down_before_one_is_changed_and_tables_stay_tables() {
        let head = "id = \"a\"\nname = \"А\"\nkind = \"dental\"\ntimezone = \"Europe/Moscow\"\nservices = [\"УЗИ\"]\n";
        let usual = Reminders::default().steps;
        let mut file = Edited::parse(head).unwrap();
        let other = ReminderStep { when: StepTime::DaysBefore(2, "15:30".parse().unwrap()), ..usual[1].clone() };
        file.put_step(&usual, Some(1), particulars(&other)).unwrap();
        let clinic = Clinic::parse(&file.text(), "new").unwrap();
        assert_eq!(clinic.reminders.steps.len(), usual.len());
        assert_eq!((&clinic.reminders.steps[1], &clinic.reminders.steps[3]), (&other, &usual[3]));

        let tables = format!("{head}[[reminders.steps]]\nid = \"soon\" # ours\nwhen = \"2 h before\"\n");
        let mut file = Edited::parse(&tables).unwrap();
        file.put_step(&usual, Some(0), particulars(&usual[3])).unwrap();
        file.put_step(&usual, None, particulars(&usual[0])).unwrap();
        assert_eq!(file.text().matches("[[reminders.steps]]").count(), 2, "{}", file.text());
        assert!(file.text().contains("# ours") && Clinic::parse(&file.text(), "new").is_ok(), "{}", file.text());
    }
}
