//! Splitting into pieces that are said one after another, so that the first sound comes early.

/// A piece longer than this is split at a comma, if it has one.
const LONG: usize = 110;
/// No piece shorter than this is made by splitting at commas.
const SHORT: usize = 35;

/// Sentences in their order, long ones cut at commas. Text without a letter gives nothing.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for sentence in sentences(text) {
        if sentence.chars().count() > LONG {
            parts.extend(at_commas(&sentence));
        } else {
            parts.push(sentence);
        }
    }
    parts.retain(|part| part.chars().any(char::is_alphabetic));
    parts
}

fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut ended = false;
    for c in text.chars() {
        if c == '\n' || (ended && c.is_whitespace()) {
            found.push(std::mem::take(&mut current));
            ended = false;
            continue;
        }
        ended = matches!(c, '.' | '!' | '?' | '…') || (ended && matches!(c, '»' | '"' | ')'));
        current.push(c);
    }
    found.push(current);
    found.into_iter().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
}

fn at_commas(sentence: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut length = 0;
    let mut left = sentence.chars().count();
    for c in sentence.chars() {
        current.push(c);
        length += 1;
        left -= 1;
        if matches!(c, ',' | ';' | ':') && length >= SHORT && left >= SHORT {
            parts.push(std::mem::take(&mut current).trim().to_owned());
            length = 0;
        }
    }
    parts.push(current.trim().to_owned());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_pieces() {
        assert_eq!(split("Здравствуйте! Чем помочь?"), ["Здравствуйте!", "Чем помочь?"]);
        assert_eq!(split("Он сказал «да». Потом ушёл…\nВсё"), ["Он сказал «да».", "Потом ушёл…", "Всё"]);
        assert!(split(" … ! ").is_empty());
    }

    #[test]
    fn long_sentences_are_cut_at_commas_and_lose_nothing() {
        let long = "Есть время в среду в десять часов утра у доктора Ивановой, в четверг в двенадцать тридцать у доктора \
                    Петровой, и в пятницу вечером, после восемнадцати часов";
        let parts = split(long);
        assert!(parts.len() >= 2);
        assert!(parts.iter().all(|p| p.chars().count() >= 30));
        assert_eq!(parts.join(" "), long);
    }
}
