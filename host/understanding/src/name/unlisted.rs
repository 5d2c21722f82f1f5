//! First names that no list has, by where they stand: beside a surname, after «зовут», before a patronymic; and a lone surname.

use super::said::Word;
use super::{FILLERS, Gender, Parts, STOP, capitalised, denied, first, hidden, is_first, patronymic, surname};
use crate::lexicon::vocabulary;
use crate::normalise::{fold, listed, stem};

/// Whether names are written large in the text, so that a small word is none.
pub(super) fn written_large(words: &[Word]) -> bool {
    words.iter().skip(1).any(Word::large)
}

/// Whether the language does not know the word.
pub(super) fn unknown(word: &Word) -> bool {
    !known(word)
}

/// Whether it does.
fn known(word: &Word) -> bool {
    vocabulary::knows(&stem(&word.text))
}

/// Adjectives and the like that stand with «фамилия» and «имя».
pub(super) const QUALITIES: &str = "простая сложная редкая длинная короткая обычная смешная русская татарская украинская двойная двойную трудная \
    странная распространенная известная знаменитая красивая нерусская иностранная польская еврейская грузинская армянская \
    казахская немецкая интересная необычная нужна важна такая вроде редкое простое длинное сложное обычное красивое \
    совсем очень пока потом никак чье чей чья секретная секрет тайна несколько пара пару много мало куча пустяк";

/// Small words, verbs and adverbs: what is said around names.
pub(super) fn ordinary(word: &Word) -> bool {
    const VERBS: &[&str] = &[
        "ть", "ться", "тся", "лся", "лась", "лись", "ешь", "ишь", "ете", "йте", "йся", "ую", "аю", "яю", "ает", "яет",
        "ует", "али", "или", "ели", "яли", "ула", "ала", "ила", "ете", "ите", "ают", "уют", "ят", "ит", "ет", "ое",
        "ее", "ие", "ые",
    ];
    listed(STOP, &word.text)
        || listed(QUALITIES, &word.text)
        || known(word)
            && (VERBS.iter().any(|end| word.text.ends_with(end))
                || word.text.ends_with('о') && !word.text.ends_with("ко"))
}

impl Parts {
    /// Whether the word may be a part of the name that nothing else has taken.
    fn left(&self, words: &[Word], at: usize) -> bool {
        let word = &words[at];
        let patronymic = self.patronymic.as_ref().is_some_and(|(range, _)| range.contains(&at));
        word.len() > 1
            && word.text.chars().all(|c| c.is_alphabetic() || c == '-')
            && !patronymic
            && !listed(FILLERS, &word.text)
            && !denied(words, at)
            && !hidden(words, at)
            && if written_large(words) { word.large() && !listed(STOP, &word.text) } else { !ordinary(word) }
    }

    /// «ахундов эльчин гасанович»: a name that no list knows stands before its patronymic, and the surname before it.
    pub(super) fn first_before_patronymic(&self, words: &[Word]) -> Option<(usize, first::Reading)> {
        let (range, patronymic) = self.patronymic.as_ref()?;
        let at =
            range.start.checked_sub(1).filter(|at| !words[range.start].apart && !listed(STOP, &words[*at].text))?;
        let word = &words[at];
        let before = at.checked_sub(1).filter(|b| !word.apart && self.left(words, *b)).map(|b| &words[b]);
        let after = words.get(range.end).map_or(0, |w| surname::strength(&w.text));
        let strength = surname::strength(&word.text);
        // «Анна Зуева Петровна» is the exception.
        let surname_before = before.is_some_and(|b| !is_first(&b.text) || strength < 3);
        let fits =
            !word.surname && (strength == 0 || surname_before || after > strength || before.is_none() && strength < 3);
        let nominative =
            if patronymic.oblique { from_oblique(word, patronymic.gender) } else { capitalised(&word.said) };
        let reading = first::Reading { nominative, gender: Some(patronymic.gender), oblique: patronymic.oblique };
        fits.then_some((at, reading))
    }

    /// «юсупов бахтиёр», «Я Горбенко, Микола Горбенко»: of two words that nothing else explains the more surname-like is
    /// the surname, the other the first name.
    pub(super) fn unlisted_pair(&mut self, words: &[Word]) {
        if self.first.is_some() || self.last.is_some() {
            return;
        }
        let large = written_large(words);
        let fits = |at: &usize| {
            let (one, two) = (&words[at - 1], &words[*at]);
            let crowded = at.checked_sub(2).is_some_and(|b| !one.apart && self.left(words, b))
                || at + 1 < words.len() && !words[at + 1].apart && self.left(words, at + 1);
            if two.apart || one.text == two.text || crowded || !self.left(words, at - 1) || !self.left(words, *at) {
                return false;
            }
            let best = surname::strength(&one.text).max(surname::strength(&two.text));
            let unknown = u8::from(!known(one)) + u8::from(!known(two));
            large && (best > 0 || one.len().min(two.len()) > 2) || best >= 3 || best + unknown >= 2
        };
        let strength = |at: usize| surname::strength(&words[at].text) + 10 * u8::from(words[at].surname);
        let Some(two) = (1..words.len()).filter(fits).max_by_key(|at| strength(*at).max(strength(at - 1))) else {
            return;
        };
        let (last, first) = if strength(two) > strength(two - 1) { (two, two - 1) } else { (two - 1, two) };
        let asked = words[..two - 1].iter().any(|w| listed("на для от запишите запиши записать оформите", &w.text));
        let (last, first) = declined_pair(&words[last], &words[first], asked);
        self.last = Some(last);
        self.first = Some((usize::MAX, first::Reading { nominative: first, gender: None, oblique: false }));
    }

    /// «Ничипоренко мы, зовут меня Одарка», «Сосланом меня зовут»: what is said of «зовут» and «имя» is a name.
    pub(super) fn unlisted_called(&mut self, words: &[Word]) {
        if self.first.is_some() {
            return;
        }
        // «Лаврик меня зовут»: the only word there is, whatever its ending.
        let limit = if (0..words.len()).filter(|at| self.left(words, *at)).count() == 1 { 4 } else { 3 };
        let fits =
            |at: usize| self.left(words, at) && surname::strength(&words[at].text) < limit && words[at].len() > 2;
        let ends = |at: usize| {
            let next = words.get(at + 1);
            next.is_none_or(|w| w.apart || listed(STOP, &w.text) || surname::looks_like(&w.text))
                || next.is_some_and(|w| patronymic::read(&w.text, &w.said).is_some())
        };
        let called = (0..words.len()).filter(|at| listed("зовут звать имя зовите", &words[*at].text)).find_map(|cue| {
            let after = (cue + 1..words.len()).find(|at| !listed(STOP, &words[*at].text));
            let before = || {
                let at = (0..cue).rev().find(|at| !listed("меня его ее мое это", &words[*at].text))?;
                (!words[at + 1..=cue].iter().any(|w| w.apart)).then_some(at)
            };
            let clear = |cue: usize, at: usize| {
                !words[cue..at].iter().any(|w| listed("не зачем фамилия фамилию отчество", &w.text))
            };
            let after = after.filter(|at| fits(*at) && ends(*at) && clear(cue, *at));
            after.or_else(|| before().filter(|at| fits(*at))).map(|at| (at, words[cue].text != "имя"))
        });
        if let Some((at, instrumental)) = called {
            let nominative = if instrumental { from_instrumental(&words[at]) } else { capitalised(&words[at].said) };
            self.first = Some((at, first::Reading { nominative, gender: None, oblique: false }));
        }
    }

    /// «Саидов, Назарбек»: beside the surname, a comma between, the one word left is the first name.
    pub(super) fn unlisted_beside_last(&mut self, words: &[Word]) {
        let Some(last) = self.last.clone().filter(|_| self.first.is_none()) else { return };
        let Some(at) = (0..words.len()).rev().find(|at| capitalised(&words[*at].said) == last) else { return };
        let left: Vec<usize> =
            (0..words.len()).filter(|n| words[*n].text != words[at].text && self.left(words, *n)).collect();
        let [only] = left.as_slice() else { return };
        let word = &words[*only];
        // «Мирзоев я, Хуршид»
        let between = at.min(*only) + 1..at.max(*only);
        // «Гареев, имя сказать? Махмуд»
        let named = words[between.clone()].iter().any(|w| listed("имя зовут", &w.text));
        let beside = named && at < *only || words[between].iter().all(|w| listed("я мы это", &w.text));
        if beside && word.len() > 2 && surname::strength(&word.text) < 3 && (word.large() || words.len() == 2) {
            let reading = first::Reading { nominative: capitalised(&word.said), gender: None, oblique: false };
            self.first = Some((usize::MAX, reading));
        }
    }

    /// «Жуйборода, слитно, Кира»: the one word written large that is left, which the language does not know.
    pub(super) fn last_left(&mut self, words: &[Word]) {
        if self.last.is_some() || self.first.is_none() || !written_large(words) {
            return;
        }
        let first = self.first.as_ref().map(|(at, _)| *at);
        let nominative = self.first.as_ref().map(|(_, f)| fold(&f.nominative));
        let taken = |at: usize| {
            nominative.as_ref() == Some(&words[at].text)
                || first.is_some_and(|n| n == at || words.get(n).is_some_and(|w| w.text == words[at].text))
        };
        let mut left = (0..words.len()).filter(|at| !taken(*at) && self.left(words, *at));
        let (Some(at), None) = (left.next(), left.next()) else { return };
        let word = &words[at];
        // «Мороз как дед мороз Степан»: what is explained by «как» is a surname.
        let explained = words.get(at + 1).is_some_and(|w| w.text == "как");
        if (unknown(word) || explained)
            && word.len() > 3
            && first::read(&word.text, &word.said, None, None).is_none()
            && patronymic::read(&word.text, &word.said).is_none()
        {
            self.last = Some(capitalised(&word.said));
        }
    }

    /// «рабинович», «это Воробей»: one word alone is a surname; on -ович, unless its root is a first name («Петрович»).
    pub(super) fn lone_surname(&mut self, words: &[Word]) {
        if self.first.is_some() || self.last.is_some() {
            return;
        }
        if let Some((range, reading)) = &self.patronymic {
            let alone = words.iter().enumerate().all(|(at, w)| range.contains(&at) || listed(FILLERS, &w.text));
            if alone && range.len() == 1 && !from_first(&reading.nominative.to_lowercase()) {
                self.last = Some(reading.nominative.clone());
                self.patronymic = None;
            }
            return;
        }
        let mut left = (0..words.len()).filter(|at| !listed(FILLERS, &words[*at].text));
        let (Some(at), None) = (left.next(), left.next()) else { return };
        let word = &words[at];
        let plain = at == 0 || !word.large();
        if self.left(words, at) && word.len() > 3 && !ordinary(word) && !(plain && known(word)) {
            self.last = Some(capitalised(&word.said));
        }
    }
}

/// Whether a word on -ович or -евич comes of a first name; what has another ending does.
pub(super) fn from_first(patronymic: &str) -> bool {
    let Some(root) = patronymic.strip_suffix("ович").or_else(|| patronymic.strip_suffix("евич")) else {
        return true;
    };
    let hard = root.strip_suffix('ь').unwrap_or(root);
    ["", "й", "ь", "ий", "а", "о"].iter().any(|end| is_first(&format!("{hard}{end}")))
}

/// «на юсупова бахтиёра», «запишите юсупову соломию»: both in the nominative.
fn declined_pair(last: &Word, first: &Word, asked: bool) -> (String, String) {
    let shortened = |word: &Word, drop: usize, add: &str| {
        let kept = word.said.chars().take(word.said.chars().count().saturating_sub(drop)).collect::<String>();
        capitalised(&format!("{kept}{add}"))
    };
    let ends = |word: &Word, ends: &[&str]| ends.iter().any(|end| word.text.ends_with(end));
    if asked && ends(last, &["ова", "ева", "ина"]) && ends(first, &["а"]) {
        return (shortened(last, 1, ""), shortened(first, 1, ""));
    }
    if asked && ends(last, &["ову", "еву", "ину"]) {
        let first = match first.text.chars().last() {
            Some('у') => shortened(first, 1, "а"),
            Some('ю') => shortened(first, 1, "я"),
            _ => capitalised(&first.said),
        };
        return (shortened(last, 1, "а"), first);
    }
    let first = match first.text.chars().last() {
        Some('у') if asked => shortened(first, 1, "а"),
        Some('ю') if asked => shortened(first, 1, "я"),
        _ => capitalised(&first.said),
    };
    (capitalised(&last.said), first)
}

/// A first name declined as the patronymic beside it is: «Параскеву Никитичну», «Эльчину Гасановичу».
fn from_oblique(word: &Word, gender: Gender) -> String {
    let letters = word.said.chars().count();
    let swapped = |drop: usize, add: &str| {
        capitalised(&format!("{}{add}", word.said.chars().take(letters - drop).collect::<String>()))
    };
    let vowel = word.text.chars().rev().nth(1).is_some_and(|c| "аеиоуэ".contains(c));
    match (gender, word.text.chars().last()) {
        _ if letters < 4 || word.text.ends_with(['й', 'м']) => from_instrumental(word),
        (Gender::Female, Some('у' | 'ы' | 'е')) => swapped(1, "а"),
        (Gender::Female, Some('ю' | 'и')) => swapped(1, "я"),
        (Gender::Male, Some('а' | 'у')) => swapped(1, ""),
        (Gender::Male, Some('я' | 'ю')) => swapped(1, if vowel { "й" } else { "ь" }),
        _ => capitalised(&word.said),
    }
}

/// «Сосланом», «Соломией», «Одаркой» as the nominative.
fn from_instrumental(word: &Word) -> String {
    let letters = word.said.chars().count();
    let swapped = |drop: usize, add: &str| {
        capitalised(&format!("{}{add}", word.said.chars().take(letters - drop).collect::<String>()))
    };
    for (end, drop, add) in [("еем", 2, "й"), ("ией", 2, "я"), ("ой", 2, "а"), ("ом", 2, "")] {
        if word.text.ends_with(end) && letters > 4 {
            return swapped(drop, add);
        }
    }
    capitalised(&word.said)
}

#[cfg(test)]
mod tests {
    use crate::name::parse;

    /// Surname, first name and patronymic as read, «-» for none.
    fn read(text: &str) -> String {
        let name = parse(text).unwrap_or_default();
        [name.last, name.first, name.patronymic].map(|part| part.unwrap_or_else(|| "-".into())).join(" ")
    }

    #[test]
    fn a_name_on_no_list_stands_beside_its_surname() {
        for (text, name) in [
            ("тлеубердинов ануар", "Тлеубердинов Ануар -"),
            ("вазген мкртчян", "Мкртчян Вазген -"),
            ("на мирзоева хуршида", "Мирзоев Хуршид -"),
            ("Я Верещак, Ждан Верещак, из Полтавы", "Верещак Ждан -"),
            ("Чотчаев. Аслангери.", "Чотчаев Аслангери -"),
            ("Тлеубердинов Ануар Серикович, с ударением на а", "Тлеубердинов Ануар Серикович"),
            ("Кравчук Богуславу Никитичну запишите", "Кравчук Богуслава Никитична"),
            ("Мкртчян мы, зовут меня Аслангери", "Мкртчян Аслангери -"),
        ] {
            assert_eq!(read(text), name, "{text}");
        }
    }

    #[test]
    fn one_word_alone_is_a_surname() {
        for (text, name) in [
            ("шапирович", "Шапирович - -"),
            ("Петрович", "- - Петрович"),
            ("кобзарь", "Кобзарь - -"),
            ("ким станислав", "Ким Станислав -"),
            ("герман олег", "Герман Олег -"),
            ("Ольга Рабинович", "Рабинович Ольга -"),
        ] {
            assert_eq!(read(text), name, "{text}");
        }
    }

    #[test]
    fn what_is_no_name_stays_none() {
        for text in ["подождите минуточку", "у меня пара вопросов", "меня зовут никак", "чьё имя", "плохо слышу вас"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
