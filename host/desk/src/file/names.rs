//! Ids made from Russian names, and the nearest known word to a mistyped one.

/// An id: small Latin letters, digits, `_` and `-`, a letter first.
pub(super) fn is_id(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// `УЗИ` → `uzi`, `стерилизация/кастрация` → `sterilizatsiya_kastratsiya`.
pub(super) fn id_from(name: &str) -> String {
    let mut id = String::new();
    for letter in name.to_lowercase().chars() {
        match latin(letter) {
            Some(latin) => id.push_str(latin),
            None if letter.is_ascii_alphanumeric() => id.push(letter),
            // One underscore for whatever stands between words.
            None if !id.is_empty() && !id.ends_with('_') => id.push('_'),
            None => {}
        }
    }
    // Cut where the next character still fits; everything is ASCII by now.
    id.truncate(64);
    while id.ends_with('_') {
        id.pop();
    }
    match id.as_bytes().first() {
        None => "unnamed".to_owned(),
        Some(b'0'..=b'9') => format!("n{id}"),
        Some(_) => id,
    }
}

/// As in passports before 2014, readable rather than reversible.
fn latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' => "g",
        'д' => "d",
        'е' | 'ё' | 'э' => "e",
        'ж' => "zh",
        'з' => "z",
        'и' | 'й' => "i",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ъ' | 'ь' => "",
        'ы' => "y",
        'ю' => "yu",
        'я' => "ya",
        _ => return None,
    })
}

/// The known word that is so near that a slip of the fingers explains it.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    // A word cut short (`vet`) is meant more often than one that is spelt alike.
    if word.chars().count() >= 3
        && let Some(longer) = known.iter().find(|other| other.to_lowercase().starts_with(&word))
    {
        return Some(longer);
    }
    let distance = |other: &str| strsim::damerau_levenshtein(&word, &other.to_lowercase());
    let (near, distance) = known.iter().map(|other| (*other, distance(other))).min_by_key(|(_, distance)| *distance)?;
    (distance <= near.chars().count().max(3) / 3).then_some(near)
}

/// `did you mean "x"? allowed: x, y, z`, or without the guess.
pub(super) fn allowed(word: &str, known: &[&str]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in known.iter().filter(|word| !word.is_empty()) {
        if !words.contains(word) {
            words.push(word);
        }
    }
    let list = if words.is_empty() { "none are defined".to_owned() } else { format!("allowed: {}", words.join(", ")) };
    match nearest(word, &words) {
        Some(near) => format!("did you mean {near:?}? {list}"),
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_read_like_the_names() {
        assert_eq!(id_from("УЗИ"), "uzi");
        assert_eq!(id_from("стерилизация/кастрация"), "sterilizatsiya_kastratsiya");
        assert_eq!(id_from("  Щукин-Юрьев, д. м. н. "), "shchukin_yurev_d_m_n");
        assert_eq!(id_from("3D-снимок"), "n3d_snimok");
        assert_eq!(id_from("…"), "unnamed");
    }

    #[test]
    fn guesses_slips_only() {
        assert_eq!(nearest("adress", &["address", "name"]), Some("address"));
        assert_eq!(nearest("vet", &["veterinary", "medical"]), Some("veterinary"));
        assert_eq!(nearest("colour", &["id", "name"]), None);
    }

    proptest! {
        #[test]
        fn every_name_gives_an_id(name in "\\PC*") {
            let id = id_from(&name);
            prop_assert!(is_id(&id) || id.len() > 64, "{}", id);
        }
    }
}
