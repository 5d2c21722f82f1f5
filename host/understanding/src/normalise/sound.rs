//! How a Russian word sounds: words that a recogniser (or a hasty hand) confuses because they are pronounced alike get
//! the same code. Unstressed vowels run together, consonants lose their voice before voiceless ones and at the end,
//! doubled letters count once, signs are silent.

/// The code of a folded word; words with equal codes sound alike.
///
/// ```
/// use understanding::normalise::sound;
/// assert_eq!(sound("читверк"), sound("четверг"));
/// assert_eq!(sound("позже"), sound("поже"));
/// assert_eq!(sound("пядьдесят"), sound("пятьдесят"));
/// assert_ne!(sound("вторник"), sound("дворник"));
/// ```
pub fn sound(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().filter(|c| !matches!(c, 'ь' | 'ъ')).map(vowel).collect();
    for at in (0..letters.len()).rev() {
        let next = letters.get(at + 1).copied();
        if next.is_none_or(|c| "пфктшсхцчщ".contains(c)) {
            letters[at] = devoiced(letters[at]);
        } else if next.is_some_and(|c| "бгджз".contains(c)) {
            letters[at] = voiced(letters[at]);
        }
    }
    // «шеснадцать», «здрасте»: the middle of three consonants is not heard.
    let mut text: String = letters.into_iter().collect();
    for (heap, heard) in [("тс", "ц"), ("тц", "ц"), ("стн", "сн"), ("здн", "зн"), ("зж", "ж"), ("сш", "ш")]
    {
        text = text.replace(heap, heard);
    }
    let mut letters: Vec<char> = text.chars().collect();
    // A doubled consonant counts once; two vowels are two syllables.
    letters.dedup_by(|a, b| a == b && !"аиу".contains(*a));
    letters.into_iter().collect()
}

fn vowel(c: char) -> char {
    match c {
        'о' => 'а',
        'е' | 'э' | 'я' | 'ы' => 'и',
        'ю' => 'у',
        other => other,
    }
}

fn devoiced(c: char) -> char {
    match c {
        'б' => 'п',
        'в' => 'ф',
        'г' => 'к',
        'д' => 'т',
        'ж' => 'ш',
        'з' => 'с',
        other => other,
    }
}

fn voiced(c: char) -> char {
    match c {
        'п' => 'б',
        'к' => 'г',
        'т' => 'д',
        'ш' => 'ж',
        'с' => 'з',
        other => other,
    }
}
