//! Names of people: surname, first name and patronymic in any order and case, put back into the nominative.
//!
//! First names come from a list with all their cases; patronymics are known by their endings; a surname is what the
//! caller calls so («фамилия …») or what stands beside the name. What is doubtful stays empty.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod first;
mod patronymic;
mod said;
mod surname;
mod unlisted;

use crate::normalise::listed;
use said::Word;
use unlisted::{QUALITIES, ordinary, written_large};

/// A person's name as far as it was said, in the nominative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonName {
    /// Surname.
    pub last: Option<String>,
    /// First name, full or short as the caller said it.
    pub first: Option<String>,
    /// Patronymic.
    pub patronymic: Option<String>,
}

/// Grammatical gender of a name part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gender {
    Male,
    Female,
}

/// Finds the person named in `text`.
///
/// ```
/// use understanding::name::parse;
/// let name = parse("Шевчук Людмилой Ивановной меня звать").expect("a name is there");
/// assert_eq!(name.last.as_deref(), Some("Шевчук"));
/// assert_eq!(name.first.as_deref(), Some("Людмила"));
/// assert_eq!(name.patronymic.as_deref(), Some("Ивановна"));
/// assert_eq!(parse("а зачем вам"), None);
/// ```
pub fn parse(text: &str) -> Option<PersonName> {
    let words = said::words(text);
    let mut parts = Parts::default();
    parts.find_patronymic(&words);
    parts.find_first(&words);
    parts.no_patronymic_before_the_name(&words);
    parts.unlisted_called(&words);
    parts.unlisted_pair(&words);
    parts.find_last(&words);
    parts.unlisted_beside_last(&words);
    parts.lone_surname(&words);
    parts.last_left(&words);
    parts.name()
}

/// The name as the evaluation files write it.
///
/// ```
/// use understanding::name::{parse, to_json};
/// assert_eq!(to_json(parse("просто Саша").as_ref()), serde_json::json!({"last": null, "first": "Саша", "patronymic": null}));
/// ```
pub fn to_json(name: Option<&PersonName>) -> Value {
    name.map_or_else(|| json!(PersonName::default()), |name| json!(name))
}

/// Whether a folded word is a first name as it stands, in the nominative.
pub(crate) fn is_first(text: &str) -> bool {
    first::read(text, text, None, Some(false)).is_some_and(|reading| !reading.oblique)
}

#[derive(Default)]
struct Parts {
    first: Option<(usize, first::Reading)>,
    patronymic: Option<(std::ops::Range<usize>, patronymic::Reading)>,
    last: Option<String>,
}

impl Parts {
    fn find_patronymic(&mut self, words: &[Word]) {
        // The last one said counts: people correct themselves forward.
        self.patronymic = (0..words.len()).rev().find_map(|at| {
            if let Some(of) = words.get(at + 1).filter(|w| matches!(w.text.as_str(), "оглы" | "кызы" | "улы" | "гызы"))
            {
                let nominative = format!("{} {}", capitalised(&words[at].said), of.text);
                let gender =
                    if matches!(of.text.as_str(), "оглы" | "улы") { Gender::Male } else { Gender::Female };
                return Some((at..at + 2, patronymic::Reading { nominative, gender, oblique: false }));
            }
            let reading = patronymic::read(&words[at].text, &words[at].said).filter(|_| !words[at].surname);
            reading.map(|reading| (at..at + 1, reading))
        });
    }

    fn find_first(&mut self, words: &[Word]) {
        let gender = self.patronymic.as_ref().map(|(_, p)| p.gender);
        let oblique = self.patronymic.as_ref().map(|(_, p)| p.oblique);
        // Where names are written large, a small word is none («как в романе»).
        let written_large = written_large(words);
        let read = |at: usize| {
            if words[at].surname || denied(words, at) || written_large && at > 0 && !words[at].large() {
                return None;
            }
            let free = self.patronymic.as_ref().is_none_or(|(range, _)| !range.contains(&at));
            free.then(|| first::read(&words[at].text, &words[at].said, gender, oblique)).flatten().map(|r| (at, r))
        };
        // Beside the patronymic first; then after «зовут», «имя»; then anywhere, the last after a correction.
        let beside = self.patronymic.as_ref().and_then(|(range, _)| range.start.checked_sub(1)).and_then(read);
        let called = (1..words.len()).find_map(|at| {
            matches!(words[at - 1].text.as_str(), "зовут" | "звать" | "имя").then(|| read(at)).flatten()
        });
        // «это бабушка Вали, а записать Валентину»: whom to write down counts, within two words.
        let entered = (0..words.len())
            .rev()
            .filter(|at| listed(ENTER, &words[*at].text))
            .find_map(|from| (from + 1..words.len().min(from + 4)).find_map(read));
        let all: Vec<(usize, first::Reading)> = (0..words.len()).filter_map(read).collect();
        let corrected = (0..words.len()).rev().find(|at| listed(CORRECTIONS, words[*at].text.as_str()));
        let later = corrected.and_then(|from| all.iter().find(|(at, _)| *at > from).cloned());
        // «Мирон Ольга»: a man's name before a woman's is her surname.
        let anywhere = match all.as_slice() {
            [(a, one), (b, two), ..]
                if *b == a + 1
                    && one.gender.is_some()
                    && two.gender == Some(Gender::Female)
                    && one.gender != two.gender =>
            {
                Some((*b, two.clone()))
            }
            // «Ким Станислав», «Герман Виктор»: of two men's names the surname is said first, the Korean one wherever.
            [(a, one), (b, two), ..] if *b == a + 1 && !words[*b].apart && two_of_one_man(one, two) => {
                let korean = listed(SHORT, &words[*b].text) && !listed(SHORT, &words[*a].text);
                Some(if korean { (*a, one.clone()) } else { (*b, two.clone()) })
            }
            // «Ваня, Иван то есть, Иван Савельев»: the one that stands beside a surname.
            [(one, _), .., (last, reading)]
                if !beside_surname(words, *one) && beside_surname(words, *last) && all.len() > 2 =>
            {
                Some((*last, reading.clone()))
            }
            [_, .., last] if all.iter().all(|(_, r)| r.nominative == last.1.nominative) => Some(last.clone()),
            [only, ..] => Some(only.clone()),
            [] => None,
        };
        let beside = beside.or_else(|| self.first_before_patronymic(words));
        self.first = beside.or(later).or(called).or(entered).or(anywhere);
    }

    /// «Якубович Леонид»: before the first name it is a surname.
    fn no_patronymic_before_the_name(&mut self, words: &[Word]) {
        if let (Some((at, _)), Some((range, _))) = (&self.first, &self.patronymic)
            && range.end == *at
            && words[..range.start].iter().all(|w| listed(STOP, &w.text))
        {
            self.patronymic = None;
        }
    }

    fn find_last(&mut self, words: &[Word]) {
        if self.last.is_some() {
            return;
        }
        let gender =
            self.patronymic.as_ref().map(|(_, p)| p.gender).or(self.first.as_ref().and_then(|(_, f)| f.gender));
        let oblique = self.patronymic.as_ref().is_some_and(|(_, p)| p.oblique)
            || self.first.as_ref().is_some_and(|(_, f)| f.oblique);
        let taken = |at: usize| {
            self.first.as_ref().is_some_and(|(nth, _)| *nth == at)
                || self.patronymic.as_ref().is_some_and(|(range, _)| range.contains(&at))
        };
        let again = |at: usize| {
            self.first.as_ref().is_some_and(|(nth, _)| words[*nth].text == words[at].text)
                || self.patronymic.as_ref().is_some_and(|(range, _)| words[range.start].text == words[at].text)
        };
        let open = |at: usize| {
            at < words.len()
                && !taken(at)
                && !again(at)
                && !listed(STOP, words[at].text.as_str())
                && words[at].text.chars().count() > 1
                && !denied(words, at)
                && !hidden(words, at)
                && (!infinitive(&words[at].text) || words[at].large())
        };
        let written_large = written_large(words);
        let told = (0..words.len()).rev().find(|at| words[*at].surname && !taken(*at)).map(|at| (at, false));
        let cue = (0..words.len()).rev().filter(|at| words[*at].text.starts_with("фамили"));
        let named = told.or_else(|| {
            cue.into_iter().find_map(|cue| {
                // Capitals tell, and small words, verbs, qualities are passed over («фамилия простая, Дуб, как дерево»).
                let fits =
                    |at: &usize| open(*at) && !is_first_only(words, *at) && (!written_large || words[*at].large());
                let window = || (cue + 1..words.len()).take(7).filter(fits);
                // «фамилия музыкальная скрипка»
                let quality = |at: usize| {
                    let follows = open(at + 1) && !words[at + 1].apart;
                    !words[at].large() && words[at].text.ends_with("ая") && !unlisted::unknown(&words[at]) && follows
                };
                let after = || {
                    window()
                        .find(|at| !ordinary(&words[*at]) && !quality(*at))
                        .or_else(|| window().find(|at| !listed(QUALITIES, &words[*at].text)))
                };
                // «Дзюба моя фамилия»
                let before = || (cue.saturating_sub(2)..cue).rev().find(|at| open(*at));
                // «Рахимов моя фамилия, имя Шухрат»: nothing follows it up to the comma.
                let ended =
                    words[cue].text == "фамилия" && words[cue..].get(1).is_none_or(|w| w.apart) && !words[cue].apart;
                let ahead = before().filter(|at| ended && !ordinary(&words[*at]));
                let at = ahead.or_else(after).or_else(before)?;
                Some((at, words[cue].text == "фамилию" && words[at].text.ends_with('у')))
            })
        });
        if let Some((at, accusative)) = named {
            self.last = Some(surname::nominative(
                &words[at].said,
                &words[at].text,
                gender,
                accusative || oblique && surname::declined(&words[at].text),
            ));
            return;
        }
        let mut candidates: Vec<usize> =
            (0..words.len()).filter(|at| open(*at) && self.surname_like(words, *at, &taken)).collect();
        if let Some(from) = (0..words.len()).rev().find(|at| listed(CORRECTIONS, words[*at].text.as_str()))
            && candidates.iter().any(|at| *at > from)
        {
            candidates.retain(|at| *at > from);
        }
        let beside = |at: usize| taken(at + 1) || at > 0 && taken(at - 1);
        let best = candidates.iter().copied().max_by_key(|at| {
            (beside(*at), surname::looks_like(&words[*at].text) && !ordinary(&words[*at]), usize::MAX - *at)
        });
        self.last = best.map(|at| {
            let on = at > 0 && words[at - 1].text == "на" && self.first.is_none();
            let gender = if on && words[at].text.ends_with('а') { Some(Gender::Male) } else { gender };
            // «на олега ступку»: beside a man's accusative only a surname on -а ends so.
            let accusative = self.first.as_ref().is_some_and(|(n, f)| {
                f.oblique && words.get(*n).is_some_and(|w| w.text.ends_with(['а', 'я'])) && gender == Some(Gender::Male)
            });
            if accusative && words[at].text.ends_with('у') {
                return surname::nominative(&words[at].said, &words[at].text, Some(Gender::Female), true);
            }
            let declined = surname::instrumental(&words[at].text);
            surname::nominative(&words[at].said, &words[at].text, gender, oblique || on || declined)
        });
    }

    /// Whether a free word may be the surname: by its ending, or because it stands beside the name and is written so.
    fn surname_like(&self, words: &[Word], at: usize, taken: &impl Fn(usize) -> bool) -> bool {
        let word = &words[at];
        let capital = word.large();
        let beside = taken(at + 1) || at > 0 && taken(at - 1);
        let only_names = words.iter().enumerate().all(|(n, w)| n == at || taken(n) || listed(FILLERS, w.text.as_str()));
        let verb = ["ит", "ет", "ют", "ать", "ить", "еть", "ите", "ете", "ешь", "ую", "аю"]
            .iter()
            .any(|end| word.text.ends_with(end));
        if surname::looks_like(&word.text) {
            let small = |w: &Word| listed(FILLERS, &w.text) || listed(STOP, &w.text);
            let only_small = words.iter().enumerate().all(|(n, w)| n == at || taken(n) || small(w));
            return beside || capital || only_names || only_small && self.first.is_some();
        }
        // «Деркач я по мужу, Оксана»
        let i_am = words.get(at + 1).is_some_and(|w| !w.apart && listed("я мы", &w.text));
        if i_am && capital && !ordinary(word) && (at > 0 || unlisted::unknown(word)) {
            return true;
        }
        // «Дюма Анна, как писатель»: the word right before the name, at the start too.
        let heads = words.len() <= 5 || taken(at + 2) || unlisted::unknown(word);
        let before = taken(at + 1) && heads && !words[at + 1].apart;
        let large_before = taken(at + 1) && at > 0 && !words[at + 1].apart;
        let mid_capital = capital && (!word.apart || words.len() <= 3 || before || large_before);
        beside && !verb && (mid_capital || only_names && (word.len() > 2 || listed(SHORT, &word.text)))
    }

    fn name(self) -> Option<PersonName> {
        let name = PersonName {
            last: self.last,
            first: self.first.map(|(_, f)| f.nominative),
            patronymic: self.patronymic.map(|(_, p)| p.nominative),
        };
        (name != PersonName::default()).then_some(name)
    }
}

/// Whether two names said one after the other are a man's surname and first name, not one name said twice.
fn two_of_one_man(one: &first::Reading, two: &first::Reading) -> bool {
    let start = |r: &first::Reading| r.nominative.chars().take(2).collect::<String>();
    let male = |r: &first::Reading| r.gender == Some(Gender::Male) && !r.oblique;
    let short = |r: &first::Reading| listed(SHORT, &r.nominative.to_lowercase());
    male(one) && male(two) && start(one) != start(two) && (short(two) || !one.nominative.ends_with(['а', 'я']))
}

/// Short surnames that are first names elsewhere.
const SHORT: &str = "ким ян ли ан юн ни лю хо";

/// «из Ташкента», «как в романе»: what stands after these names nobody, but for «записана как Петренко».
fn hidden(words: &[Word], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|n| words[n].text.as_str()) else { return false };
    let entered = at > 1 && ["запис", "оформ"].iter().any(|start| words[at - 2].text.starts_with(start));
    listed("из в во под около возле близ пара пару несколько много мало", before) || before == "как" && !entered
}

/// «не Марина, а Арина»
fn denied(words: &[Word], at: usize) -> bool {
    at > 0 && words[at - 1].text == "не"
}

fn infinitive(text: &str) -> bool {
    ["ать", "ить", "еть", "сить", "ться"].iter().any(|end| text.ends_with(end))
}

fn beside_surname(words: &[Word], at: usize) -> bool {
    let fits = |n: usize| words.get(n).is_some_and(|w| surname::looks_like(&w.text));
    fits(at + 1) && !words[at + 1].apart || at > 0 && fits(at - 1) && !words[at].apart
}

/// After these stands who is to be written down.
const ENTER: &str = "записать запишите запиши пишите записывайте оформите оформить";

fn is_first_only(words: &[Word], at: usize) -> bool {
    first::read(&words[at].text, &words[at].said, None, None).is_some()
        && !surname::looks_like(&words[at].text)
        && words.get(at + 1).is_some_and(|w| patronymic::read(&w.text, &w.said).is_some())
}

/// First letter of each hyphenated part large, the rest as said.
fn capitalised(word: &str) -> String {
    word.split('-')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
            })
        })
        .collect::<Vec<_>>()
        .join("-")
}

const CORRECTIONS: &str = "ой нет вернее точнее ошиблась ошибся простите извините тьфу то-есть";

/// Words that may accompany a bare name.
const FILLERS: &str = "ну вот это да просто я меня зовут звать имя мое моя мой э ой так без отчества алло здравствуйте на запишите \
    пишите записывайте пожалуйста девушка пусть будет";

/// Words that are never a surname here.
const STOP: &str = "ну вот это да нет просто я меня мне зовут звать имя имени мое моя мой моего моей э ээ эм ой так без отчества \
    отчество отчеству алло здравствуйте добрый день вечер утро доброе на запишите пишите записывайте пожалуйста \
    девушка фамилия фамилию фамилии по и а у с в к муж жена сын дочь мама папа ребенок ребенка хозяин хозяйка будет \
    можно только пусть то есть же как вам вас мы он она его ее их наш наша тоже лучше вернее точнее ошиблась ошибся \
    простите извините полностью буква через два две зачем не скажу называть обращайтесь зови зовите представлюсь \
    обычно все ребята кот кота кошка собака собаку врач доктор приема прием записана записан беспокоит звонит \
    говорит слушаю минуту секунду сейчас для от из под около возле неё нее нет него ней нем ним них нас тебя тебе через черточку черточка \
    черточкой тире дефисом двойная двойную буквы букву букв буквам буквами три четыре пять редкая простая сложная длинная девичья старая новая теперь была раньше паспорту паспорте документам \
    пациент пациента тот самый хорошо спасибо пишется дефис знак конце слово отдельно еще раз повторю знаете что \
    какая какой кто кому зовете кличут величать батюшке нету нужно надо давайте карта карточка оформлена оформлен \
    нужна важна хочу буду спросить узнать пусть будет мужа жену мужу маму сына дочку дочка бабушка бабушку баба бабу бабы дед деда дедушка дедушку тетя тетю дядя дядю теща свекровь сестра \
    сестру брат брата внук внука внучка внучку супруг супруга супругу сосед соседка соседку подруга подругу";
