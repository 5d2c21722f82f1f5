//! Who comes from a number: several animals, or several people, may share one.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::row::Columns as _;
use crate::{Pii, Result, Status, Store};

/// Somebody known under a number: an animal with who brings it, or a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVisitor {
    /// Who brings the animal (whoever booked last), or the patient.
    pub person: Pii,
    /// Nickname and kind, as written last; empty for a person.
    pub animal: Pii,
    /// Kind of animal, a word of the clinic's list; empty when not known.
    pub species: String,
    /// How many visits took place.
    pub visits: u32,
    /// Start of the last visit that took place, unix milliseconds.
    pub last_ms: Option<i64>,
    /// Its doctor.
    pub last_doctor: Option<String>,
    /// Start of the next visit that is booked.
    pub next_ms: Option<i64>,
}

impl Store {
    /// Everybody known under a number (E.164), whoever is booked or came last first. Made from the bookings there are: who
    /// was erased is not in it.
    pub async fn known_visitors(&self, clinic: &str, phone: &str, now_ms: i64) -> Result<Vec<KnownVisitor>> {
        if phone.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT person, animal, species, doctor, start_ms, status FROM bookings WHERE clinic = $1 AND phone = $2
                AND status <> 'moved' ORDER BY start_ms DESC, id LIMIT 1000",
        )
        .bind(clinic)
        .bind(phone)
        .fetch_all(self.read())
        .await?;
        let mut known: Vec<KnownVisitor> = Vec::new();
        for row in &rows {
            note(&mut known, row, now_ms)?;
        }
        Ok(known)
    }

    /// How many visits took place from a number; 0 = whoever comes next comes for the first time.
    pub async fn visits_from(&self, clinic: &str, phone: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM bookings WHERE clinic = $1 AND phone = $2 AND status IN ('arrived', 'done')";
        Ok(sqlx::query_scalar(sql).bind(clinic).bind(phone).fetch_one(self.read()).await?)
    }

    /// Whether a visit was booked under a number (E.164) since then, whatever became of it.
    pub async fn has_booked_since(&self, clinic: &str, phone: &str, since_ms: i64) -> Result<bool> {
        let sql =
            "SELECT id FROM bookings WHERE clinic = $1 AND phone = $2 AND created_ms >= $3 AND id = visit LIMIT 1";
        let found = sqlx::query(sql).bind(clinic).bind(phone).bind(since_ms).fetch_optional(self.read()).await?;
        Ok(found.is_some())
    }
}

/// Rows come newest first: what is written last names the visitor.
fn note(known: &mut Vec<KnownVisitor>, row: &AnyRow, now_ms: i64) -> Result<()> {
    let (person, animal) = (row.text("person")?, row.text("animal")?);
    let (start_ms, status): (i64, Status) = (row.int("start_ms")?, row.word("status")?);
    if person.is_empty() && animal.is_empty() {
        return Ok(());
    }
    let same = |other: &KnownVisitor| match (animal.is_empty(), other.animal.as_str().is_empty()) {
        (false, false) => same_animal(&animal, other.animal.as_str()),
        (true, true) => words_of(&person) == words_of(other.person.as_str()),
        _ => false,
    };
    let place = known.iter().position(same).unwrap_or_else(|| {
        known.push(KnownVisitor {
            person: person.clone().into(),
            animal: animal.clone().into(),
            species: String::new(),
            visits: 0,
            last_ms: None,
            last_doctor: None,
            next_ms: None,
        });
        known.len() - 1
    });
    let visitor = &mut known[place];
    if visitor.species.is_empty() {
        visitor.species = row.text("species")?;
    }
    if visitor.person.as_str().is_empty() {
        visitor.person = person.into();
    }
    match status {
        Status::Arrived | Status::Done => {
            visitor.visits += 1;
            if visitor.last_ms.is_none() {
                visitor.last_ms = Some(start_ms);
                visitor.last_doctor = Some(row.text("doctor")?);
            }
        }
        status if status.is_ahead() && start_ms >= now_ms => visitor.next_ms = Some(start_ms),
        _ => {}
    }
    Ok(())
}

/// Whether two ways to write an animal mean one: `кот Барсик` is `Барсик`, and is not `кот Мурзик`.
pub fn same_animal(one: &str, other: &str) -> bool {
    let (one, other) = (words_of(one), words_of(other));
    let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    !few.is_empty() && few.iter().all(|word| many.contains(word))
}

fn words_of(text: &str) -> Vec<String> {
    let plain = text.to_lowercase().replace('ё', "е");
    let words = plain.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::same_animal;

    #[test]
    fn an_animal_is_known_by_its_words() {
        assert!(same_animal("кот Барсик", "барсик"));
        assert!(same_animal("Пёс, Фёдор", "пес Федор"));
        assert!(!same_animal("кот Барсик", "кот Мурзик"));
        assert!(!same_animal("", "кот Мурзик"));
    }
}
