//! What is written in Latin letters: addresses of mail and sites, and how a Russian voice says a foreign word.

use super::context::{Place, Read};
use super::phone;
use super::scan;

/// Reads an e-mail address or the address of a site: «инфо собака лапа точка ру».
pub(super) fn address<'a>(place: Place<'a>) -> Read<'a> {
    let end =
        place.rest.find(|c: char| !(c.is_alphanumeric() || "@.-_/:+%?=&#~".contains(c))).unwrap_or(place.rest.len());
    let written = place.rest[..end].trim_end_matches(['.', ':', '?', '/', '-']);
    let rest = &place.rest[written.len()..];
    let bare = ["https://", "http://"].iter().find_map(|p| written.strip_prefix(p));
    let body = bare.unwrap_or(written);
    let is_mail = body.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    let host = body.split(['/', '?', ':']).next().unwrap_or("");
    let zone = host.rsplit_once('.').map_or("", |(_, zone)| zone).to_lowercase();
    let is_site = bare.is_some() || ZONES.contains(&zone.as_str()) && host.len() > zone.len() + 1;
    if !is_mail && !is_site || body.is_empty() {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    let mut text = body;
    while let Some(c) = text.chars().next() {
        if let Some((digits, after)) = scan::digits(text) {
            words.push(phone::group(&digits[..digits.len().min(12)]));
            text = if digits.len() > 12 { &text[12..] } else { after };
        } else if let Some((word, after)) = scan::word(text) {
            words.push(if word.is_ascii() { to_cyrillic(word) } else { word.to_owned() });
            text = after;
        } else {
            let name = SYMBOLS.iter().find(|(symbol, _)| *symbol == c).map(|(_, name)| *name);
            words.extend(name.map(str::to_owned));
            text = &text[c.len_utf8()..];
        }
    }
    Some((words.join(" "), rest))
}

const ZONES: &[&str] =
    &["ru", "com", "рф", "su", "net", "org", "clinic", "vet", "info", "online", "me", "io", "pro", "by", "kz", "team"];

const SYMBOLS: &[(char, &str)] = &[
    ('@', "собака"),
    ('.', "точка"),
    ('-', "дефис"),
    ('_', "нижнее подчёркивание"),
    ('/', "слэш"),
    (':', "двоеточие"),
    ('+', "плюс"),
    ('?', "вопрос"),
    ('=', "равно"),
    ('&', "амперсанд"),
    ('#', "решётка"),
];

/// A word in Latin letters as a Russian would say it, in Cyrillic: known words by the table, others letter by letter.
///
/// ```
/// assert_eq!(speech::spoken::to_cyrillic("WhatsApp"), "ватсап");
/// assert_eq!(speech::spoken::to_cyrillic("Royal"), "роял");
/// ```
pub fn to_cyrillic(word: &str) -> String {
    let lower = word.to_lowercase();
    if let Some((_, said)) = KNOWN.iter().find(|(latin, _)| *latin == lower) {
        return (*said).to_owned();
    }
    let mut out = String::new();
    let mut rest = lower.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some((latin, said)) = SOUNDS.iter().find(|(latin, _)| rest.starts_with(latin)) {
            out.push_str(said);
            rest = &rest[latin.len()..];
        } else {
            if !c.is_ascii() {
                out.push(c);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

const KNOWN: &[(&str, &str)] = &[
    ("ru", "ру"),
    ("com", "ком"),
    ("org", "орг"),
    ("net", "нет"),
    ("info", "инфо"),
    ("www", "три дабл ю"),
    ("mail", "мэйл"),
    ("gmail", "джимэйл"),
    ("yandex", "яндекс"),
    ("whatsapp", "ватсап"),
    ("telegram", "телеграм"),
    ("viber", "вайбер"),
    ("instagram", "инстаграм"),
    ("google", "гугл"),
    ("apple", "эппл"),
    ("online", "онлайн"),
    ("email", "имэйл"),
    ("e", "и"),
    ("wi", "вай"),
    ("fi", "фай"),
    ("vk", "вэ-ка"),
    ("clinic", "клиник"),
    ("vet", "вет"),
    ("pet", "пет"),
    ("dent", "дент"),
    ("dental", "дентал"),
    ("royal", "роял"),
    ("canin", "канин"),
    ("purina", "пурина"),
    ("hills", "хиллс"),
    ("pro", "про"),
    ("price", "прайс"),
    ("plan", "план"),
    ("whiskas", "вискас"),
    ("nobivac", "нобивак"),
    ("eurican", "эурикан"),
    ("bravecto", "бравекто"),
    ("covid", "ковид"),
    ("premium", "премиум"),
    ("invisalign", "инвизилайн"),
];

/// Sounds of Latin letters and pairs of them, longest first.
const SOUNDS: &[(&str, &str)] = &[
    ("shch", "щ"),
    ("sch", "ш"),
    ("tion", "шн"),
    ("sh", "ш"),
    ("ch", "ч"),
    ("zh", "ж"),
    ("kh", "х"),
    ("ph", "ф"),
    ("th", "т"),
    ("ck", "к"),
    ("qu", "кв"),
    ("ts", "ц"),
    ("oo", "у"),
    ("ee", "и"),
    ("ya", "я"),
    ("yu", "ю"),
    ("yo", "ё"),
    ("ye", "е"),
    ("ce", "це"),
    ("ci", "ци"),
    ("a", "а"),
    ("b", "б"),
    ("c", "к"),
    ("d", "д"),
    ("e", "е"),
    ("f", "ф"),
    ("g", "г"),
    ("h", "х"),
    ("i", "и"),
    ("j", "дж"),
    ("k", "к"),
    ("l", "л"),
    ("m", "м"),
    ("n", "н"),
    ("o", "о"),
    ("p", "п"),
    ("q", "к"),
    ("r", "р"),
    ("s", "с"),
    ("t", "т"),
    ("u", "у"),
    ("v", "в"),
    ("w", "в"),
    ("x", "кс"),
    ("y", "и"),
    ("z", "з"),
];
