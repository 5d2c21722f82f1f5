//! The clinic file as something that is changed key by key: comments and the order of lines stay as their author left them.

use desk::WeeklyHours;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A file that is being changed.
#[derive(Default)]
pub(crate) struct Edited {
    doc: DocumentMut,
}

/// A key and what it shall say; none: the key is taken out.
pub(crate) type Change<'a> = (&'a str, Option<Value>);

impl Edited {
    /// # Errors
    /// It is no TOML: the parser's own sentence, with line and column.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(|doc| Self { doc }).map_err(|error: toml_edit::TomlError| error.to_string())
    }

    pub(crate) fn text(&self) -> String {
        self.doc.to_string()
    }

    /// A key of the file's top.
    pub(crate) fn set(&mut self, key: &str, value: Option<Value>) {
        set(self.doc.as_table_mut(), key, value);
    }

    /// A key of one of its tables, which is made where there is none.
    pub(crate) fn set_in(&mut self, table: &str, key: &str, value: Option<Value>) {
        let item = self.doc.as_table_mut().entry(table);
        let item = match (item, &value) {
            (toml_edit::Entry::Vacant(_), None) => return,
            (entry, _) => entry.or_insert(Item::Table(Table::new())),
        };
        if let Some(table) = item.as_table_like_mut() {
            set(table, key, value);
        }
    }

    /// The clinic's hours.
    pub(crate) fn set_week(&mut self, week: &WeeklyHours) {
        let top = self.doc.as_table_mut();
        if let Some(table) = top.get_mut("hours").and_then(Item::as_table_mut) {
            return fill(table, week);
        }
        let mut table = Table::new();
        fill(&mut table, week);
        top.insert("hours", Item::Table(table));
    }

    /// The file's top.
    pub(super) fn top(&mut self) -> &mut Table {
        self.doc.as_table_mut()
    }

    /// How many tables of this name there are.
    pub(crate) fn len(&mut self, key: &str) -> usize {
        self.tables(key).map_or(0, |tables| tables.len())
    }

    /// Whether there is such a key or table.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.doc.contains_key(key)
    }

    /// The first of a list of texts in one of a list.
    pub(crate) fn first_at(&mut self, key: &str, place: usize, name: &str) -> Option<String> {
        self.tables(key)?.get(place)?.get(name)?.as_array()?.get(0)?.as_str().map(str::to_owned)
    }

    /// A text in one of a list.
    pub(crate) fn text_at(&mut self, key: &str, place: usize, name: &str) -> Option<String> {
        self.tables(key)?.get(place)?.get(name)?.as_str().map(str::to_owned)
    }

    /// One more at the end of a list of tables.
    pub(crate) fn add(&mut self, key: &str, changes: Vec<Change<'_>>) {
        let mut table = Table::new();
        for (key, value) in changes {
            set(&mut table, key, value);
        }
        table.decor_mut().set_prefix("\n");
        if let Some(tables) = self.tables(key) {
            tables.push(table);
        }
    }

    /// Changes one of a list; nothing when there is none of this place.
    pub(crate) fn change(&mut self, key: &str, place: usize, changes: Vec<Change<'_>>) {
        let Some(table) = self.tables(key).and_then(|tables| tables.get_mut(place)) else { return };
        for (key, value) in changes {
            set(table, key, value);
        }
    }

    /// The working hours of one of a list; none: those of the clinic.
    pub(crate) fn change_week(&mut self, key: &str, place: usize, week: Option<&WeeklyHours>) {
        let Some(table) = self.tables(key).and_then(|tables| tables.get_mut(place)) else { return };
        table.remove("weekly");
        let Some(week) = week else {
            table.remove("hours");
            return;
        };
        match table.get_mut("hours").and_then(Item::as_table_mut) {
            Some(hours) => fill(hours, week),
            None => {
                let mut hours = InlineTable::new();
                fill(&mut hours, week);
                set(table, "hours", Some(Value::InlineTable(hours)));
            }
        }
    }

    /// Takes one out of a list. What its author wrote above the list stays.
    pub(crate) fn remove(&mut self, key: &str, place: usize) {
        let Some(tables) = self.tables(key) else { return };
        if place >= tables.len() {
            return;
        }
        let removed = tables.remove(place);
        let above = removed.decor().prefix().and_then(|prefix| prefix.as_str()).map(str::to_owned);
        if place == 0
            && let (Some(above), Some(next)) = (above.filter(|above| above.contains('#')), tables.get_mut(0))
        {
            let own = next.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().trim_start();
            let whole = if own.is_empty() { above } else { format!("{above}{own}") };
            next.decor_mut().set_prefix(whole);
        }
    }

    /// A list of tables, whichever way it was written; made where there is none.
    fn tables(&mut self, key: &str) -> Option<&mut ArrayOfTables> {
        let top = self.doc.as_table_mut();
        if !top.get(key).is_some_and(Item::is_array_of_tables) {
            let tables = match top.remove(key) {
                None => ArrayOfTables::new(),
                Some(item) => spelled_out(item.as_array()?),
            };
            top.insert(key, Item::ArrayOfTables(tables));
        }
        top.get_mut(key).and_then(Item::as_array_of_tables_mut)
    }
}

/// `["терапия", { name = "УЗИ" }]` as tables.
fn spelled_out(list: &Array) -> ArrayOfTables {
    let mut tables = ArrayOfTables::new();
    for one in list {
        let mut table = match one {
            Value::InlineTable(inline) => inline.clone().into_table(),
            name => {
                let mut table = Table::new();
                table.insert("name", Item::Value(bare(name.clone())));
                table
            }
        };
        table.decor_mut().set_prefix("\n");
        tables.push(table);
    }
    tables
}

/// Without the blanks and comments that stood around it in a list.
fn bare(mut value: Value) -> Value {
    value.decor_mut().clear();
    value
}

/// What stood behind the old value stays behind the new one.
pub(super) fn set(table: &mut dyn TableLike, key: &str, value: Option<Value>) {
    let Some(mut value) = value else {
        take_out(table, key);
        return;
    };
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(other) => *other = Item::Value(value),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// What is explained above a line stays, above the next one.
fn take_out(table: &mut dyn TableLike, key: &str) {
    let prefix = |key: &toml_edit::Key| key.leaf_decor().prefix().and_then(|prefix| prefix.as_str()).map(str::to_owned);
    let above = table.key(key).and_then(prefix).unwrap_or_default();
    let after = table.iter().map(|(other, _)| other.to_owned()).skip_while(|other| other != key).nth(1);
    table.remove(key);
    let Some(after) = after.filter(|_| above.contains('#')) else { return };
    let own = table.key(&after).and_then(prefix).unwrap_or_default();
    if let Some(mut next) = table.key_mut(&after) {
        next.leaf_decor_mut().set_prefix(format!("{above}{own}"));
    }
}

/// Days with the same hours in a row share a line: `mon-fri`.
fn fill(table: &mut dyn TableLike, week: &WeeklyHours) {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for key in keys {
        table.remove(&key);
    }
    if week.days.iter().all(|day| *day == week.days[0]) {
        table.insert("daily", Item::Value(hours(&week.days[0])));
        return;
    }
    let mut first = 0;
    while first < DAYS.len() {
        let mut last = first;
        while last + 1 < DAYS.len() && week.days[last + 1] == week.days[first] {
            last += 1;
        }
        if !week.days[first].is_empty() {
            let key = match (first, last) {
                (5, 6) => "weekend".to_owned(),
                _ if first == last => DAYS[first].to_owned(),
                _ => format!("{}-{}", DAYS[first], DAYS[last]),
            };
            table.insert(&key, Item::Value(hours(&week.days[first])));
        }
        first = last + 1;
    }
}

fn hours(day: &[desk::Span]) -> Value {
    match day {
        [] => Value::from("closed"),
        [only] => Value::from(only.to_string()),
        several => several.iter().map(ToString::to_string).collect::<Array>().into(),
    }
}

/// A list of texts, one a line where it is long.
pub(crate) fn list(texts: &[String]) -> Value {
    let mut list: Array = texts.iter().map(String::as_str).collect();
    if texts.len() > 4 {
        for one in list.iter_mut() {
            one.decor_mut().set_prefix("\n    ");
        }
        list.set_trailing("\n");
        list.set_trailing_comma(true);
    }
    list.into()
}

/// An amount as the file has it: a number where it is one.
pub(crate) fn amount(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

#[cfg(test)]
mod tests {
    use desk::Clinic;

    use super::*;

    const LAPA: &str = include_str!("../../../../clinics/vet_lapa.toml");

    fn week(text: &str) -> WeeklyHours {
        WeeklyHours::daily(text.parse().unwrap())
    }

    fn comments(text: &str) -> Vec<&str> {
        text.lines().filter(|line| line.trim_start().starts_with('#')).collect()
    }

    #[test]
    fn a_change_of_every_kind_keeps_every_comment() {
        let mut file = Edited::parse(LAPA).unwrap();
        assert_eq!(file.text(), LAPA, "what is only read stays as it is");
        file.set("address", Some("новый адрес".into()));
        file.set("minute_cost", Some(amount("12")));
        file.set("horizon_days", None);
        file.set("absent", Some(list(&["груминг".to_owned(), "МРТ".to_owned()])));
        file.set_in("plan", "calls", Some(900_i64.into()));
        file.set_in("reminders", "hours", Some("10:00-20:00".into()));
        let mut other = week("10:00-19:00");
        other.days[6].clear();
        file.set_week(&other);
        file.change("services", 0, vec![("price", Some(amount("1300"))), ("minutes", Some(40_i64.into()))]);
        file.change_week("doctors", 0, Some(&week("12:00-18:00")));
        file.change_week("doctors", 1, None);
        file.add("faq", vec![("question", Some("Есть ли лифт?".into())), ("answer", Some("Да.".into()))]);
        file.remove("services", 3);
        // The dermatologist, and what nobody else does.
        file.remove("services", 8);
        file.remove("doctors", 3);
        file.remove("faq", 0);
        let text = file.text();
        let clinic = Clinic::parse(&text, "changed").unwrap();
        assert_eq!(clinic.address, "новый адрес");
        assert_eq!(clinic.absent.len(), 2);
        assert_eq!(clinic.hours, other);
        assert_eq!((clinic.services[0].minutes, clinic.services.len()), (40, 10));
        assert_eq!((clinic.plan.calls, clinic.reminders.steps.len()), (Some(900), 4));
        assert_eq!(clinic.doctors[0].hours, Some(week("12:00-18:00")));
        assert_eq!((clinic.doctors[1].hours.is_none(), clinic.doctors.len()), (true, 4));
        assert_eq!(clinic.faq.last().unwrap().answer, "Да.");
        let left = comments(&text);
        for comment in comments(LAPA) {
            assert!(left.contains(&comment), "lost: {comment}\n{text}");
        }
        assert!(text.contains("currency = \"RUB\" # ISO 4217; default RUB"));
    }

    #[test]
    fn lists_in_one_line_become_tables_and_days_share_lines() {
        let mut file =
            Edited::parse("services = [\"терапия\", { name = \"УЗИ\", minutes = 20 }]\nhours = \"9:00-18:00\"\n")
                .unwrap();
        file.add("services", vec![("name", Some("рентген".into()))]);
        file.add("doctors", vec![("name", Some("Соколова".into()))]);
        let mut other = week("09:00-18:00");
        other.days[5] = vec!["10:00-13:00".parse().unwrap(), "14:00-16:00".parse().unwrap()];
        other.days[6].clear();
        file.set_week(&other);
        file.change_week("doctors", 0, Some(&other));
        assert_eq!((file.len("services"), file.len("doctors"), file.len("faq")), (3, 1, 0));
        let text =
            format!("id = \"a\"\nname = \"А\"\nkind = \"dental\"\ntimezone = \"Europe/Moscow\"\n{}", file.text());
        assert!(
            text.contains("mon-fri = \"09:00-18:00\"") && text.contains("sat = [\"10:00-13:00\", \"14:00-16:00\"]"),
            "{text}"
        );
        let clinic = Clinic::parse(&text, "new").unwrap();
        assert_eq!(clinic.services.iter().map(|one| one.minutes).collect::<Vec<_>>(), [30, 20, 30]);
        assert_eq!((&clinic.hours, clinic.doctors[0].hours.as_ref()), (&other, Some(&other)));
        assert!(Edited::parse("id = ").is_err());
    }
}
