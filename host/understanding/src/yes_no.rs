//! Yes or no, as people answer on the phone: «ну давайте», «да нет», «нет-нет, да», «почему бы и нет», «не подойдёт».
//!
//! Words and set phrases give signals; «не» turns what follows it; the last clear signal wins, because that is how
//! people correct themselves. A question back («а сколько это стоит») is neither.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::normalise::{Token, TokenKind, fuzzy, listed, tokens, words};

/// An answer to a yes-or-no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum YesNo {
    /// Agreement.
    Yes,
    /// Refusal.
    No,
    /// Neither: a doubt, a question back, something else.
    Unknown,
}

/// Reads an answer.
///
/// ```
/// use understanding::yes_no::{YesNo, parse};
/// assert_eq!(parse("да нет, наверное"), YesNo::No);
/// assert_eq!(parse("нет-нет, да"), YesNo::Yes);
/// assert_eq!(parse("почему бы и нет"), YesNo::Yes);
/// assert_eq!(parse("а сколько это стоит"), YesNo::Unknown);
/// ```
pub fn parse(text: &str) -> YesNo {
    let said = plain(text);
    let heard: Vec<&str> = said.iter().map(String::as_str).collect();
    let signals = signals(&heard, &pauses(text, &heard));
    let asks = asks(&heard, text);
    let clear = |s: &&(Signal, usize)| matches!(s.0, Signal::Yes | Signal::No);
    let strong = signals.iter().rev().find(clear).map(|(signal, _)| *signal);
    let weak = signals.iter().rev().find(|(s, _)| matches!(s, Signal::MaybeYes | Signal::MaybeNo)).map(|(s, _)| *s);
    let first = heard.first().copied();
    if first == Some("а") && strong.is_none() && weak == Some(Signal::MaybeNo) {
        return YesNo::Unknown;
    }
    if matches!(heard.as_slice(), ["так" | "за"]) {
        return YesNo::Yes;
    }
    let doubt = signals.iter().any(|(s, _)| matches!(s, Signal::Doubt | Signal::Defer));
    // A question after a plain «да» or «нет» leaves the answer standing; before one it is only a question.
    if asks && !signals.first().is_some_and(|(s, at)| *at == 0 && matches!(s, Signal::Yes | Signal::No)) {
        return YesNo::Unknown;
    }
    // «давайте я решу и перезвоню»: what is put off is not agreed to, unless plainly said.
    let deferred = signals.iter().any(|(s, _)| *s == Signal::Defer);
    let plain = |(s, at): &(Signal, usize)| clear(&&(*s, *at)) && !heard.get(*at).is_some_and(|w| listed(SOFT, w));
    // «соглашусь, но решу позже»
    let after_all = signals.last().is_some_and(|(s, at)| *s == Signal::Defer && heard[..*at].contains(&"но"));
    if after_all || deferred && !signals.iter().any(plain) {
        return YesNo::Unknown;
    }
    match (strong, weak) {
        (Some(Signal::Yes), _) => YesNo::Yes,
        (Some(_), _) => YesNo::No,
        (None, _) if doubt => YesNo::Unknown,
        (None, Some(Signal::MaybeYes)) => YesNo::Yes,
        (None, Some(_)) => YesNo::No,
        (None, None) => YesNo::Unknown,
    }
}

/// The answer as the evaluation files write it.
///
/// ```
/// use understanding::yes_no::{parse, to_json};
/// assert_eq!(to_json(parse("угу")), serde_json::json!({"value": "yes"}));
/// ```
pub fn to_json(answer: YesNo) -> Value {
    json!({ "value": answer })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Yes,
    No,
    /// Agreement only if nothing clearer is said: «хорошо», «можно».
    MaybeYes,
    MaybeNo,
    Doubt,
    /// The answer is put off: «решу», «не могу сказать». Weighs more than «давайте» and «надо».
    Defer,
    /// Strengthens its neighbour and says yes alone: «конечно».
    Stress,
}

/// Set phrases; `|` lets one of several words stand.
const PHRASES: &[(&str, Signal)] = &[
    ("он|она|оно|они|тот|та самый|самая|самое|самые", Signal::Yes),
    ("какое|какой|какая|куда|где там", Signal::No),
    ("еще чего", Signal::No),
    ("ничего подобного|похожего", Signal::No),
    ("зачем мне|нам это|оно|такое|вообще", Signal::No),
    ("куда там|уж|мне|нам", Signal::No),
    ("с чего бы|вдруг", Signal::No),
    ("не мое|мой|моя|наше|наш|наша", Signal::No),
    ("не про|для меня|нас", Signal::No),
    ("не то|тот|та|туда|так", Signal::No),
    ("так не пойдет|годится|подойдет|получится|выйдет", Signal::No),
    ("и речи быть", Signal::No),
    ("так и быть", Signal::Yes),
    ("будь по вашему", Signal::Yes),
    ("на ваше усмотрение", Signal::MaybeYes),
    ("чем бы и нет", Signal::Yes),
    ("ради бога", Signal::Yes),
    ("на здоровье", Signal::Yes),
    ("конечно же", Signal::Stress),
    ("не надо ничего|никак менять|меняйте|трогать", Signal::Yes),
    ("скорее да", Signal::Yes),
    ("скорее нет", Signal::No),
    ("чем да|нет", Signal::Stress),
    ("чего|чо нет", Signal::Yes),
    ("ясное|понятное|известное дело", Signal::Yes),
    ("так и сделаем|поступим|решим|запишем|запишите", Signal::Yes),
    ("не смущает|мешает|беспокоит|пугает|страшно|жалко|важно|принципиально", Signal::Yes),
    ("ничего страшного", Signal::Yes),
    ("давайте|давай подумать|подумаю|подумаем|посмотрю|спрошу|узнаю|посоветуюсь|поглядим", Signal::Doubt),
    ("не стоит", Signal::No),
    ("почему бы и нет", Signal::Yes),
    ("почему бы нет", Signal::Yes),
    ("почему нет", Signal::Yes),
    ("почему и нет", Signal::Yes),
    ("отчего же нет", Signal::Yes),
    ("отчего нет", Signal::Yes),
    ("чего бы и нет", Signal::Yes),
    ("не против", Signal::Yes),
    ("ничего против", Signal::Yes),
    ("против ничего", Signal::Yes),
    ("не возражаю", Signal::Yes),
    ("нет возражений", Signal::Yes),
    ("возражений нет", Signal::Yes),
    ("не откажусь|откажемся", Signal::Yes),
    ("не помешает|помешало", Signal::Yes),
    ("не плохо|вопрос|проблема", Signal::Yes),
    ("нет проблем|вопросов", Signal::Yes),
    ("не вопрос", Signal::Yes),
    ("нет разницы", Signal::MaybeYes),
    ("не сомневайтесь", Signal::Yes),
    ("не ошиблись|ошибаетесь|ошибка", Signal::Yes),
    ("без проблем|вопросов", Signal::Yes),
    ("с удовольствием|радостью", Signal::Yes),
    ("а как же", Signal::Yes),
    ("а то", Signal::Yes),
    ("еще бы", Signal::Yes),
    ("само собой", Signal::Yes),
    ("было бы хорошо|неплохо|отлично|здорово|замечательно", Signal::Yes),
    ("все так|верно|правильно|точно|сходится|нормально|хорошо|ок", Signal::Yes),
    ("так и есть", Signal::Yes),
    ("так точно", Signal::Yes),
    ("есть такое", Signal::Yes),
    ("что надо|нужно", Signal::Yes),
    ("по рукам", Signal::Yes),
    ("я|только|руками за", Signal::Yes),
    ("не вижу препятствий|проблем", Signal::Yes),
    ("да отмените|отменяйте|отмена|отменить|отменяем|отмени", Signal::Yes),
    ("ну да", Signal::Yes),
    ("да ладно", Signal::MaybeYes),
    ("да да", Signal::Yes),
    ("да нет", Signal::No),
    ("да ну", Signal::No),
    ("да не", Signal::No),
    ("давайте|давай не|нет|откажемся|отменим", Signal::No),
    ("давайте другой|другое|другую|другие|иначе|потом|позже|попозже|отложим|перенесем", Signal::No),
    ("ни в коем", Signal::No),
    ("ни за что", Signal::No),
    ("ни в какую", Signal::No),
    ("ни к чему", Signal::No),
    ("я|мы пас", Signal::No),
    ("не в этот|сей раз", Signal::No),
    ("не сегодня|сейчас|нынче", Signal::No),
    ("нет смысла|нужды|необходимости|надобности|охоты|настроения|интереса|сил", Signal::No),
    ("смысла|нужды|необходимости|надобности|желания нет", Signal::No),
    ("даже не думайте|предлагайте|просите|уговаривайте", Signal::No),
    ("еще не хватало", Signal::No),
    ("с какой стати|радости", Signal::No),
    ("упаси|сохрани бог|боже|господь|господи", Signal::No),
    ("боже|господи упаси|сохрани", Signal::No),
    ("не дай бог", Signal::No),
    ("на фиг|кой|черта", Signal::No),
    ("ни разу", Signal::No),
    ("ни фига|черта", Signal::No),
    ("двумя|обеими|всеми руками", Signal::Yes),
    ("деваться некуда", Signal::Yes),
    ("куда деваться|денешься|денемся|денусь", Signal::Yes),
    ("куда ж|же|уж деваться|денешься|денемся|денусь", Signal::Yes),
    ("куда я|мы деваться|денусь|денемся", Signal::Yes),
    ("куда ж|же я|мы денусь|денемся", Signal::Yes),
    ("так тому и быть", Signal::Yes),
    ("была не была", Signal::Yes),
    ("быть по сему", Signal::Yes),
    ("ваша|твоя правда", Signal::Yes),
    ("в точку|яблочко", Signal::Yes),
    ("в самый раз", Signal::Yes),
    ("самое то", Signal::Yes),
    ("как раз", Signal::MaybeYes),
    ("то что доктор прописал", Signal::Yes),
    ("в принципе да|согласен|согласна|подходит|устраивает|можно|давайте", Signal::Yes),
    ("бог с ним|ней|вами", Signal::MaybeYes),
    ("на том и порешим|порешили", Signal::Yes),
    ("заметано|решено", Signal::Yes),
    ("в другой|следующий раз", Signal::No),
    ("до свидания", Signal::MaybeNo),
    ("вряд ли", Signal::No),
    ("едва ли", Signal::No),
    ("не могу|смогу сказать|ответить|решить|решиться|понять|определиться|выбрать|разобраться", Signal::Defer),
    ("не скажу|скажешь|пойму|соображу|разберу|отвечу", Signal::Defer),
    ("не то чтобы|чтоб", Signal::Doubt),
    ("не сразу|сейчас отвечу|скажу|решу|решить|сказать|ответить", Signal::Defer),
    ("трудно|сложно|тяжело сказать|решить|ответить|выбрать", Signal::Defer),
    ("бог|кто|черт его|ее знает", Signal::Defer),
    ("дайте|дай подумать|сообразить|посмотреть|минуту|минутку|секунду", Signal::Defer),
    (
        "не знаю|уверен|уверена|понял|поняла|понимаю|слышу|слышно|расслышал|расслышала|помню|решил|решила|решили|определился|определилась|разобрал|разобрала|думал|думала|важно",
        Signal::Doubt,
    ),
    ("как хотите|скажете|сказать|получится", Signal::Doubt),
    (
        "надо|нужно|хочу|хотим подумать|посоветоваться|посмотреть|спросить|узнать|обсудить|уточнить|решить",
        Signal::Doubt,
    ),
    ("может быть", Signal::Doubt),
    ("может да|нет", Signal::Defer),
    ("может и да|нет", Signal::Defer),
    ("и да и нет", Signal::Doubt),
    ("все равно", Signal::Doubt),
    ("ли да|нет", Signal::Defer),
    ("так оно и есть", Signal::Yes),
    ("он|она|оно|они и есть", Signal::Yes),
    ("с превеликим|большим|огромным удовольствием", Signal::Yes),
    ("мне надо|нужно подумать", Signal::Doubt),
    ("хоть сейчас|сегодня|завтра", Signal::Yes),
    ("еще как", Signal::Yes),
    ("правильно|верно поняли|понимаете|говорите|услышали|записали", Signal::Yes),
    ("можно и так", Signal::Yes),
    ("не по карману|пути", Signal::No),
    ("не с руки", Signal::No),
    ("как нибудь потом|позже|сама|сами|сам|без", Signal::No),
    ("сами|сама|сам справимся|справлюсь|обойдемся|обойдусь", Signal::No),
    ("ага щас|сейчас", Signal::No),
    ("нет времени|возможности|желания|денег", Signal::No),
    ("спасибо не", Signal::No),
    ("а можно|если|когда|если", Signal::Doubt),
    (
        "можно ли|подумать|подумаю|перезвонить|перезвоню|посоветоваться|уточнить|вопрос|спросить|другой|другое|другую|позже|попозже|потом",
        Signal::Doubt,
    ),
];

/// Single words by how they begin (`*` at the end) or as they are.
const WORDS: &[(Signal, &str)] = &[
    (
        Signal::Yes,
        "да ага угу ок окей оке давайте давай согласен согласна согласны подтверждаю подтверждаем подойдет подходит пойдет \
         годится устраивает устроит верно правильно договорились записывай* запишите запиши пиши пишите оформ* заброни* бронир* внесите вносите зафиксир* фиксируй* закреп* подтвер* \
         идет соглашусь хочу хотим хотелось приду придем приеду приедем буду будем ес йес ладненько беру положительно вполне \
         обязательно безусловно непременно плюс ладушки именно сойдет ага-ага угум ыгы агу агась дыа дада дадада выгодно уговорили лады пускай пусть \
         сможем смогу утвердительно принято заметано ставьте делайте поехали рискнем рискну пригодится интересно \
         валяйте добро погнали вперед успею успеем успеваю успеваем поддерживаю одобряю рад рада готов готова готовы разрешаю приветствую удобно океюшки дак канеш вписывайте давайта правда \
         точняк железно оки окс окич йеп еп забит* решено подпишусь беремс возьму возьмем заверните прошу велком естессно соглашаюсь соглашаемся \
         столкуемся сговорились порешили однозначненько подтверд* всенепременно запросто легко сделаем делаем совпадает совпадают берите бери возьмите записываемся бронируем аминь одобрено ставим",
    ),
    (
        Signal::No,
        "нет неа нее нету ненадо нехочу небуду ненужно неверно неправильно неудобно несогласен несогласна отказ* \
         откажусь откажемся отмена отмените отменяйте отменить отменяем передумал передумала передумали нельзя никак никогда исключено \
         обойдусь обойдемся воздержусь воздержимся против неактуально никакой никакая никакое никакого нед нит нетушки отказ некогда невозможно неинтересно неподойдет \
         неподходит неустраивает немогу несмогу неполучится ошиблись ошибка ошибаетесь отрицательно зря хватит нед нят \
         отбой отставить достаточно невыгодно лишнее недосуг перебор уволь увольте нисколько ничуть отнюдь незач* занят занята заняты расхотел расхотела раздумал раздумала перехотел перехотела увы дудки фигушки вовсе \
         ноу нафиг нетнет фиг отклон* незачем бессмысленно пустое далековато  неудоб* неподход* раздумали расхотели перехотели нетути мимо отпадает отменяется исключается ошибочка неа-неа дудочки",
    ),
    (
        Signal::MaybeYes,
        "хорошо ладно можно нужно надо отлично прекрасно супер замечательно норм нормально класс здорово чудесно пожалуй отличненько \
         жду ждем спасибо благодарю конечно-конечно великолепно шикарно круто оставьте оставляйте переносите меняйте берем",
    ),
    (Signal::MaybeNo, "не ни потом попозже позже дорого дороговато рано поздно рановато поздновато долго"),
    (
        Signal::Doubt,
        "подумать посоветоваться спросить узнать наверное наверно возможно посмотрим запишу записываю подождите погодите секунду \
         секундочку минуту минутку минуточку повторите алло але простите уточните объясните скорее вероятно \
         обсудить уточнить допустим извините",
    ),
    (
        Signal::Defer,
        "подумаю подумаем посоветуюсь посоветуемся решу решим обсудим обсужу перезвоню перезвоним смотря зависит сомневаюсь \
         затрудняюсь колеблюсь взвесить гляну поглядим погляжу спрошу уточню",
    ),
    (
        Signal::Stress,
        "конечно естественно разумеется точно однозначно абсолютно безоговорочно определенно категорически совершенно сто",
    ),
];

/// Agreement to something, perhaps not to what was asked.
const SOFT: &str = "давайте давай буду будем хочу хотим хотелось можно не ни";

/// Question words: a question back is no answer.
const QUESTIONS: &str = "сколько какой какая какие какое какую каким кто где когда куда почем зачем почему чем чего который \
    которого откуда каком какого скольки кому насколько";

/// The signals of the words with the place of each; `pauses` are the words that follow a mark.
fn signals(said: &[&str], pauses: &[usize]) -> Vec<(Signal, usize)> {
    let mut out: Vec<(Signal, usize)> = Vec::new();
    let mut at = 0;
    while at < said.len() {
        if let Some((signal, taken)) = phrase_at(&said[at..]) {
            out.push((signal, at));
            // «давайте не будем»: what «не» turns is part of the phrase.
            let turned = said[at + taken - 1] == "не" && said.get(at + taken) != Some(&"не");
            at += taken + usize::from(turned);
            continue;
        }
        if let Some(taken) = puts_off(&said[at..]) {
            out.push((Signal::Defer, at));
            at += taken;
            continue;
        }
        if matches!(said[at], "не" | "ни") {
            // «меня не смущает, давайте»: a denial ends at a comma.
            let reach = (1..=2).find(|n| pauses.contains(&(at + 1 + n))).unwrap_or(2);
            let turned = said[at + 1..].iter().take(reach).enumerate().find_map(|(n, word)| match single(word) {
                Some(Signal::Yes | Signal::MaybeYes | Signal::Stress) => Some((Signal::No, n)),
                Some(Signal::No) if !matches!(*word, "нет" | "неа" | "нее") => Some((Signal::Yes, n)),
                _ => None,
            });
            match turned {
                Some((signal, n)) => {
                    out.push((signal, at));
                    at += n + 2;
                }
                // «не приду», «не-не»
                None => {
                    let alone = said.iter().all(|w| matches!(*w, "не" | "ну" | "ой" | "а" | "спасибо"));
                    out.push((if alone { Signal::No } else { Signal::MaybeNo }, at));
                    at += 1;
                }
            }
            continue;
        }
        // «выбора у меня особо нет» refuses nothing.
        let lacking = said[at] == "нет"
            && said[at.saturating_sub(4)..at]
                .iter()
                .any(|w| listed("выбора вариантов возражений претензий сомнений", w));
        if let Some(signal) = single(said[at]).filter(|_| !lacking) {
            out.push((signal, at));
        }
        at += 1;
    }
    settle(out, said)
}

/// «не могу вам пока сказать», «хочу сначала с мужем обсудить»: the words up to what has to be done before the answer.
fn puts_off(said: &[&str]) -> Option<usize> {
    const FIRST: &str = "подумать посоветоваться обсудить спросить узнать уточнить посмотреть глянуть взвесить свериться решить прикинуть";
    const ANSWER: &str = "сказать ответить решить выбрать определиться";
    let (from, what) = match said {
        ["не", "могу" | "можем" | "смогу", ..] => (2, ANSWER),
        ["надо" | "нужно" | "хочу" | "хотела" | "хотел" | "хотелось" | "придется" | "должна" | "должен", ..] => {
            (1, FIRST)
        }
        _ => return None,
    };
    let at = said.iter().skip(from).take(4).position(|word| listed(what, word))?;
    Some(from + at + 1)
}

/// «конечно» goes with its neighbour («нет, конечно») and is a yes when alone; «можно» and the like need company or
/// brevity; a refusal stands when only thanks or another proposal follow it.
fn settle(mut signals: Vec<(Signal, usize)>, said: &[&str]) -> Vec<(Signal, usize)> {
    let sided = signals.iter().any(|(s, _)| matches!(s, Signal::Yes | Signal::No | Signal::MaybeNo));
    for (signal, _) in &mut signals {
        if *signal == Signal::Stress {
            *signal = if sided { Signal::Stress } else { Signal::Yes };
        }
    }
    // «нет, давайте в среду», «нет, хочу к другому врачу»: the first word answers, the rest is a new wish or a reason. But
    // «нет, не ошиблись, всё так» says that all is well.
    let confirms =
        |at: usize| matches!(said.get(at), Some(&("все" | "не" | "так" | "верно" | "правильно" | "точно" | "именно")));
    let plans = |at: usize| said.get(at).is_some_and(|w| listed(PLANS, w));
    let new_wish = matches!(signals.first(), Some((Signal::No, 0)))
        && signals[1..].iter().find(|(signal, _)| *signal == Signal::Yes).is_some_and(|(_, at)| {
            plans(*at) || *at + 2 < said.len() && !confirms(*at) && signals.get(1).is_some_and(|(_, next)| next == at)
        });
    // «нет, хотя знаете, да»
    if new_wish && !said.contains(&"хотя") {
        signals.truncate(1);
    }
    signals
}

/// What one is going to do: after «нет» it gives the reason.
const PLANS: &str = "буду будем хочу хотим приду придем приеду приедем смогу сможем успею успеем";

fn phrase_at(said: &[&str]) -> Option<(Signal, usize)> {
    PHRASES
        .iter()
        .filter_map(|(phrase, signal)| {
            let parts: Vec<&str> = phrase.split(' ').collect();
            let fits = said.len() >= parts.len()
                && parts.iter().zip(said).all(|(part, word)| part.split('|').any(|option| option == *word));
            fits.then_some((*signal, parts.len()))
        })
        .max_by_key(|(_, taken)| *taken)
}

fn single(word: &str) -> Option<Signal> {
    let listed = |(_, list): &&(Signal, &str)| {
        list.split_whitespace().any(|w| w.strip_suffix('*').map_or(w == word, |start| word.starts_with(start)))
    };
    let near = |(_, list): &&(Signal, &str)| {
        word.chars().count() >= 6
            && list.split_whitespace().any(|w| w.chars().count() >= 6 && fuzzy::within(w, word, 1).is_some())
    };
    WORDS.iter().find(listed).or_else(|| WORDS.iter().find(near)).map(|(signal, _)| *signal)
}

fn asks(said: &[&str], text: &str) -> bool {
    let question_word = said.iter().any(|w| QUESTIONS.split_whitespace().any(|q| q == *w));
    let set = phrase_in(said, "почему бы")
        || phrase_in(said, "почему нет")
        || phrase_in(said, "почему и")
        || phrase_in(said, "чего бы")
        || phrase_in(said, "еще чего")
        || phrase_in(said, "чего нет")
        || phrase_in(said, "чем нет")
        || phrase_in(said, "чем да")
        || [
            "с какой стати",
            "с какой радости",
            "куда деваться",
            "куда денешься",
            "какое там",
            "какой там",
            "какая там",
            "куда там",
            "где там",
        ]
        .iter()
        .any(|set| phrase_in(said, set))
        || phrase_in(said, "ни в каком")
        || phrase_in(said, "ни в коем");
    // «чего тут спрашивать», «куда ж я денусь»: asked of nobody.
    let rhetorical = said.iter().enumerate().any(|(at, word)| {
        matches!(*word, "чего" | "что" | "куда" | "зачем" | "чо")
            && said[at + 1..].iter().take(3).any(|next| {
                next.starts_with("дену") || next.starts_with("дене") || next.ends_with("ть") || next.ends_with("ться")
            })
    });
    question_word && !set && !rhetorical
        || text.trim_end().ends_with('?') && (said.len() > 2 || said.first() == Some(&"а"))
}

fn phrase_in(said: &[&str], phrase: &str) -> bool {
    said.join(" ").contains(phrase)
}

/// Which of the words heard stand behind a comma or another mark; none when words were mended or dropped.
fn pauses(text: &str, heard: &[&str]) -> Vec<usize> {
    let all = tokens(text);
    let mut out = Vec::new();
    let mut from = 0;
    for (nth, word) in heard.iter().enumerate() {
        let Some(at) = (from..all.len()).find(|at| unstretched(&all[*at].text) == *word) else { return out };
        if all[from..at].iter().any(|t| t.kind == TokenKind::Mark && !t.is("-")) {
            out.push(nth);
        }
        from = at + 1;
    }
    out
}

/// The words with stretched letters shortened («дааа»), fillers dropped and torn ones mended («давай те»).
fn plain(text: &str) -> Vec<String> {
    const FILLERS: &str = "ну э эм мм м вот же хм ой ах о это пожалуйста девушка слушайте наверно-то бы вам то";
    let mut out: Vec<String> = Vec::new();
    let tokens = words(text);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let joined = tokens.get(at + 1).map(|next| format!("{}{}", token.text, next.text));
        let torn = joined.filter(|j| {
            j.chars().count() >= 6 && !known(token) && familiar(j)
                || matches!(j.as_str(), "давайте" | "подойдет" | "хорошо" | "конечно")
        });
        if let Some(whole) = torn {
            out.push(whole);
            at += 2;
            continue;
        }
        out.push(unstretched(&token.text));
        at += 1;
    }
    // «ну да» and «да ну» are phrases; elsewhere «ну» says nothing.
    let joined = out.join(" ");
    if joined.contains("да ну")
        || joined.contains("как же")
        || joined.contains("было бы")
        || joined.contains("почему бы")
        || joined.contains("чего бы")
        || joined.contains("еще бы")
        || joined.contains("а то")
        || joined.contains("то что")
    {
        return out;
    }
    out.retain(|w| !listed(FILLERS, w.as_str()));
    if out.is_empty() { joined.split(' ').map(String::from).collect() } else { out }
}

fn known(token: &Token) -> bool {
    single(&token.text).is_some()
}

fn familiar(word: &str) -> bool {
    WORDS.iter().any(|(_, list)| list.split_whitespace().any(|w| w == word))
}

/// «дааа» → «да», «неее» → «не»; sound spellings of the commonest words to their usual form.
fn unstretched(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if !out.ends_with(c) || !"аоуыиеэюя".contains(c) || word.chars().count() > 6 {
            out.push(c);
        }
    }
    let usual = match out.as_str() {
        "канешно" | "канечно" | "конешно" | "канеш" => "конечно",
        "харашо" | "хорошо" | "хорашо" | "харошо" => "хорошо",
        "падайдет" | "подоидет" | "падойдет" | "подайдет" => "подойдет",
        "падходит" | "потходит" => "подходит",
        "довайте" | "дывайте" | "дайте" | "даваите" => "давайте",
        "лана" | "ладна" | "латно" => "ладно",
        "сагласен" | "согласин" | "сагласна" => "согласен",
        "ниа" | "неа" => "неа",
        "ни" => "ни",
        "дa" | "даа" | "тa" => "да",
        "ненад" | "ненада" => "ненадо",
        "сто" => "сто",
        "верна" => "верно",
        "правильна" => "правильно",
        other => other,
    };
    usual.to_string()
}
