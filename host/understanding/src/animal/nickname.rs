//! The animal's own name among the words left over, back in the nominative.

use super::{Mention, Word};
use crate::normalise::listed;
use crate::number;

/// Finds the name.
pub(super) fn find(words: &[Word], mentions: &[Mention]) -> Option<String> {
    let free =
        |at: usize| at < words.len() && !mentions.iter().any(|m| (m.from..m.to).contains(&at)) && !ordinary(&words[at]);
    // Writing tells names by capitals; recognised speech may come without any.
    let capitals = words.iter().skip(1).any(large) || words.len() <= 2 && words.first().is_some_and(large);
    let called = (0..words.len()).filter(|at| cue(words, *at)).find_map(|at| {
        (at + 1..words.len())
            .take(3)
            .find(|next| free(*next))
            .or_else(|| at.checked_sub(1).filter(|before| free(*before)))
    });
    let written = || {
        let large_free = |at: &usize| free(*at) && large(&words[*at]);
        (1..words.len())
            .find(large_free)
            .or_else(|| Some(0).filter(large_free).filter(|_| words.len() > 1 || mentions.is_empty()))
    };
    let beside = || {
        let after = mentions.iter().map(|m| m.to).find(|at| free(*at));
        after.or_else(|| mentions.iter().filter_map(|m| m.from.checked_sub(1)).find(|at| free(*at)))
    };
    let start = match called {
        Some(at) => Some(at),
        None => written().or_else(|| if capitals { None } else { beside() }),
    }?;
    if mentions.is_empty() && called.is_none() && !(words.len() <= 2 && large(&words[start])) {
        return None;
    }
    let title = listed(TITLES, words[start].text.as_str());
    let goes_on = |at: usize| free(at) && !words[at].apart && (large(&words[at]) && large(&words[start]) || title);
    let end = (start + 1..words.len()).take_while(|at| goes_on(*at)).last().map_or(start + 1, |at| at + 1);
    let case = case_before(words, start, mentions);
    let parts: Vec<String> = words[start..end].iter().map(|w| nominative(w, case)).collect();
    Some(parts.join(" "))
}

/// «кличка», «зовут», but not «меня зовут».
fn cue(words: &[Word], at: usize) -> bool {
    let owner = at > 0 && matches!(words[at - 1].text.as_str(), "меня" | "хозяина" | "хозяйку" | "вас");
    let cue = matches!(
        words[at].text.as_str(),
        "зовут"
            | "звать"
            | "кличка"
            | "кличке"
            | "кличку"
            | "имя"
            | "имени"
            | "зовем"
            | "назвали"
            | "кличут"
            | "откликается"
    );
    cue && !owner
}

fn large(word: &Word) -> bool {
    word.said.chars().next().is_some_and(char::is_uppercase)
}

const TITLES: &str = "мистер миссис мисс леди лорд граф сэр барон принц мадам дон герцог король господин фрау доктор";

/// How the name is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Nominative,
    /// Genitive or accusative of a male («кота Барсика»), of a female in -а («кошку Мурку», «у Мурки»).
    Declined,
    /// «зовут Барсиком».
    Instrumental,
}

fn case_before(words: &[Word], at: usize, mentions: &[Mention]) -> Case {
    let word = words[at].text.as_str();
    let called = at > 0
        && words[..at]
            .iter()
            .rev()
            .take(3)
            .any(|w| matches!(w.text.as_str(), "зовут" | "звать" | "назвали" | "кличут"));
    let instrumental = ["ом", "ем", "ой", "ей"].iter().any(|end| word.ends_with(end));
    if called {
        return if instrumental && word.chars().count() > 4 { Case::Instrumental } else { Case::Nominative };
    }
    let before = &words[at.saturating_sub(3)..at];
    let preposition = before.iter().any(|w| !w.apart && matches!(w.text.as_str(), "у" | "для" | "про" | "на" | "с"));
    let species = mentions.iter().filter(|m| m.to <= at && m.to + 1 >= at).any(|m| {
        let noun = &words[m.to - 1].text;
        let oblique_female = noun.ends_with('у') || noun.ends_with('ю') || noun.ends_with("ки");
        let oblique_male = listed(OBLIQUE, noun.as_str());
        oblique_female || oblique_male
    });
    if species && !words[at].apart || preposition && at == before.len() + at.saturating_sub(3) && direct(words, at) {
        Case::Declined
    } else {
        Case::Nominative
    }
}

/// «у Мурки», «для Барсика»: the preposition right before the name.
fn direct(words: &[Word], at: usize) -> bool {
    at > 0 && !words[at].apart && matches!(words[at - 1].text.as_str(), "у" | "для" | "про" | "на")
}

const OBLIQUE: &str = "кота котика котенка пса песика щенка щеночка попугая попугайчика кролика хомяка хомячка хорька ежа ежика мопса \
    шпица йорка лабрадора пуделя терьера той-терьера бульдога британца сфинкса мейн-куна алабая ротвейлера добермана \
    шарпея бигля хорек кобеля стаффорда спаниеля";

fn nominative(word: &Word, case: Case) -> String {
    let said: Vec<char> = word.said.chars().collect();
    let cut = |drop: usize, add: &str| format!("{}{add}", said[..said.len() - drop].iter().collect::<String>());
    let ends = |end: &str| word.text.ends_with(end) && said.len() > end.chars().count() + 1;
    let soft = |at_from_end: usize| said.len() > at_from_end && "гкхжчшщ".contains(said[said.len() - 1 - at_from_end]);
    let name = match case {
        Case::Nominative => word.said.clone(),
        Case::Instrumental => match () {
            () if ends("иком") || ends("ом") => cut(2, ""),
            () if ends("ей") && said.len() > 2 && "ьсшжчлн".contains(said[said.len() - 3]) => cut(2, "я"),
            () if ends("ой") => cut(2, "а"),
            () if ends("ем") => cut(2, "й"),
            () => word.said.clone(),
        },
        Case::Declined => match () {
            () if ends("у") => cut(1, "а"),
            () if ends("ю") => cut(1, "я"),
            () if ends("ы") => cut(1, "а"),
            () if ends("и") => cut(1, if soft(1) { "а" } else { "я" }),
            () if ends("а") && said.len() > 2 && "бвгдзклмнпрстфхц".contains(said[said.len() - 2]) => {
                cut(1, "")
            }
            () if ends("я") && said.len() > 2 && "аеиоуэюя".contains(said[said.len() - 2]) => cut(1, "й"),
            () => word.said.clone(),
        },
    };
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Words that are no animal's name: small words, ages, sexes, colours, verbs and adjectives.
fn ordinary(word: &Word) -> bool {
    let text = word.text.as_str();
    if word.figure || text.chars().count() < 2 || listed(WORDS, text) || number::exact(text).is_some() {
        return true;
    }
    if large(word) && !word.apart {
        return false;
    }
    STARTS.split_whitespace().any(|start| text.starts_with(start))
        || ENDINGS.split_whitespace().any(|end| text.ends_with(end) && text.chars().count() > end.chars().count() + 2)
}

const ENDINGS: &str =
    "ый ий ая яя ое ого ому ные ет ит ют ать ить ется ится ала или ешь ую ает ться ался алась ыми ской";

const STARTS: &str = "мальчи девоч месяц недел годик привив взросл молод маленьк порода породист беспород обычн простая уличн домашн \
    декоратив записа запиш хозя стерил кастр зовут кличк наверн пожилой старичо старушк самец самк приемн вакцин \
    животн питом";

const WORDS: &str = "у нас меня мой моя моего мою моей наш наша нашу нашего нашей это это-то ну вот да нет и а с на в к по для про \
    его ее он она зовут звать кличка кличке кличку имя имени есть такой такая лет год года месяца месяцев недель \
    дней полгода годик мальчик девочка порода породы просто обычный обычная тоже еще уже как что или не знаю без \
    большой большая маленький маленькая здравствуйте алло добрый день вечер утро доброе пожалуйста хочу можно надо \
    нужно же то там тут так сейчас рыжий черный белый серый черная белая серая рыжая трехцветная полосатый окрас \
    привезем привезу болеет хромает ему ей около примерно почти полтора полтаралет пол пока нету будет наверное \
    клички звонок свой один одна два две пара друг любимый любимая хозяин хозяйка девушка ой э эм м вроде типа смесь \
    кажется возраст весит кг килограмм назвали зовем кличут откликается запись прием приема врач врачу терапевт \
    прививка прививку ребенок дочка сын двое трое вес минутку паспорт подобрали улицы дома подъезда мы вы я они вас \
    вам нам был была этот эта тот та все сам сама очень только через после до от из за о об при со зовите кто где";
