//! The animal's own name among the words left over, back in the nominative.

use super::declension::{self, Case};
use super::{Mention, Word, large};
use crate::normalise::listed;
use crate::number;

/// Finds the name; what is said from `corrected` on counts more.
pub(super) fn find(words: &[Word], mentions: &[Mention], corrected: usize) -> Option<String> {
    let behind = (corrected > 0).then(|| among(words, mentions, corrected)).flatten();
    behind.or_else(|| among(words, mentions, 0))
}

/// The name among the words from a place on.
fn among(words: &[Word], mentions: &[Mention], from: usize) -> Option<String> {
    // «не Тоша, Тёша», «как в кино», «как Лесси»
    let denied = |at: usize| {
        at > 0 && words[at - 1].text == "не"
            || (at.saturating_sub(2)..at).any(|n| words[n].text == "как" && !words[n + 1..=at].iter().any(|w| w.apart))
                && !words[..at].iter().rev().take(2).any(called_so)
    };
    let free = |at: usize| {
        at < words.len()
            && at >= from
            && !denied(at)
            && !mentions.iter().any(|m| (m.from..m.to).contains(&at))
            && !ordinary(&words[at])
    };
    // Writing tells names by capitals; recognised speech may come without any.
    let capitals = words.iter().skip(1).any(large) || words.len() <= 2 && words.first().is_some_and(large);
    let called = (0..words.len()).filter(|at| cue(words, *at)).find_map(|at| {
        (at + 1..words.len()).take(3).find(|next| free(*next)).or_else(|| {
            // «Мухтар её зовут», «внук купил, Серый назвал»
            let before = (from..at).rev().find(|n| !listed(PRONOUNS, &words[*n].text))?;
            let written = large(&words[before]) && before > 0 && mentions.first().is_none_or(|m| m.from != before);
            (free(before) || written && called_so(&words[at])).then_some(before)
        })
    });
    let written = || {
        let large_free = |at: &usize| free(*at) && large(&words[*at]);
        (1..words.len())
            .find(large_free)
            .or_else(|| Some(0).filter(large_free).filter(|_| words.len() > 1 || mentions.is_empty()))
    };
    let beside = || {
        let after = mentions.iter().map(|m| m.to).find(|at| free(*at));
        let before = || mentions.iter().filter_map(|m| m.from.checked_sub(1)).find(|at| free(*at));
        let short = || (0..words.len()).find(|at| free(*at)).filter(|_| words.len() <= 4);
        after.or_else(before).or_else(short)
    };
    let start = match called {
        Some(at) => Some(at),
        None => written().or_else(|| if capitals { None } else { beside() }),
    }?;
    // Without a species a name is one that is written large where nothing else would be: «на Барсика моего», «Мурка, простая».
    let alone = start > 0 && !words[start].apart || words.get(1).is_some_and(|w| w.apart);
    if mentions.is_empty() && called.is_none() && !(large(&words[start]) && (words.len() <= 2 || alone)) {
        return None;
    }
    let title = listed(TITLES, words[start].text.as_str());
    let goes_on = |at: usize| free(at) && !words[at].apart && (large(&words[at]) && large(&words[start]) || title);
    let end = (start + 1..words.len()).take_while(|at| goes_on(*at)).last().map_or(start + 1, |at| at + 1);
    let case = case_before(words, start, mentions);
    let parts: Vec<String> = words[start..end].iter().map(|w| declension::nominative(&w.said, case)).collect();
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
            | "зову"
            | "зовем"
            | "назвал"
            | "назвала"
            | "назвали"
            | "прозвал"
            | "прозвала"
            | "прозвали"
            | "кличем"
            | "кличу"
            | "кличут"
            | "величаем"
            | "величают"
            | "откликается"
    );
    cue && !owner
}

/// Verbs whose object stands in the accusative.
const BRING: &str = "привезем привезу приведем приведу принесем принесу записать запишите запиши покажем покажу показать привезти \
    привести везем везу осмотреть посмотреть посмотрите лечим";

const PRONOUNS: &str = "его ее их мы я все у нас она он просто";

const TITLES: &str = "мистер миссис мисс леди лорд граф сэр барон принц мадам дон герцог король господин фрау доктор";

fn case_before(words: &[Word], at: usize, mentions: &[Mention]) -> Case {
    let called = words[..at].iter().rev().take(3).any(called_so) || words[at + 1..].iter().take(2).any(called_so);
    let long = words[at].text.chars().count() > 4;
    if called {
        return if long { Case::Instrumental } else { Case::Nominative };
    }
    // «Рекса привезём», «записать Сёму», «Альме нашей»: what follows or leads tells the case.
    let leads = |n: Option<usize>| n.and_then(|n| words.get(n)).is_some_and(|w| listed(BRING, &w.text));
    if leads(Some(at + 1)) || !words[at].apart && leads(at.checked_sub(1)) {
        return Case::Accusative;
    }
    if at == 0 || words[at].apart {
        return Case::Nominative;
    }
    let noun = mentions.iter().find(|m| m.to == at);
    let Some(mention) = noun else { return declension::of_preposition(&words[at - 1].text) };
    let preposition = mention.from.checked_sub(1).map(|p| words[p].text.as_str());
    declension::after(&words[at - 1], preposition)
}

fn called_so(word: &Word) -> bool {
    ["зов", "назва", "прозва", "клик", "клич", "велича"].iter().any(|start| word.text.starts_with(start))
        && !matches!(word.text.as_str(), "кличка" | "кличку" | "кличке" | "клички")
        || word.text == "звать"
}

/// Words that are no animal's name: small words, ages, sexes, colours, verbs and adjectives.
fn ordinary(word: &Word) -> bool {
    let text = word.text.as_str();
    if word.figure || text.chars().count() < 2 || number::exact(text).is_some() {
        return true;
    }
    // «шиншилла Серый»: written large in mid-phrase.
    if large(word) && !word.apart {
        return false;
    }
    if listed(WORDS, text) {
        return true;
    }
    STARTS.split_whitespace().any(|start| text.starts_with(start))
        || ENDINGS.split_whitespace().any(|end| text.ends_with(end) && text.chars().count() > end.chars().count() + 2)
}

const ENDINGS: &str =
    "ый ий ая яя ое ого ому их ых ные ет ит ют ать ить ется ится ала или ешь ую ает ться ался алась ыми ской";

const STARTS: &str = "мальчи девоч месяц недел годик привив взросл молод маленьк порода породист беспород обычн простая уличн домашн \
    декоратив записа запиш хозя стерил кастр зовут кличк наверн пожилой старичо старушк самец самк приемн вакцин \
    животн питом придем приду приедем приеду подойдем подъедем запис хотел посмотр";

const WORDS: &str = "у нас меня мой моя моего мою моей наш наша нашу нашего нашей это это-то ну вот да нет и а с на в к по для про \
    его ее он она зовут звать кличка кличке кличку имя имени есть такой такая лет год года месяца месяцев недель \
    дней полгода годик мальчик девочка порода породы просто обычный обычная тоже еще уже как что или не знаю без \
    большой большая маленький маленькая здравствуйте алло добрый день вечер утро доброе пожалуйста хочу можно надо \
    нужно же то там тут так сейчас рыжий черный белый серый черная белая серая рыжая трехцветная полосатый окрас \
    привезем привезу болеет хромает ему ей около примерно почти полтора полтаралет штук штуки штука пол пока нету будет наверное \
    клички номер звонок свой один одна два две пара друг любимый любимая хозяин хозяйка девушка ой э эм м вроде типа смесь \
    кажется возраст весит размер размера размеров средних кг килограмм назвали зовем кличут откликается запись прием приема врач врачу терапевт \
    прививка прививку ребенок дочка сын двое трое вес минутку паспорт подобрали улицы дома подъезда мы вы я они вас \
    вчера сегодня завтра позавчера недавно давно утром вечером днем ночью потом нашли нашел нашла взяли взял взяла купили подарили \
    завели родился живет живут ест пьет приблудный приблудилась помесь мальчика девочку \
    нее него ней нему ими внучкин внучкина мамин мамина папин дочкин дочкина бабушкин бабушкина дедушкин тетин \
    вам нам был была этот эта тот та все сам сама очень только через после до от из за о об при со зовите кто где";
