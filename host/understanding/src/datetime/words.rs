//! What single words mean where dates and times are spoken of: the vocabulary, and looking a damaged word up in it.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Weekday;

use crate::normalise::fuzzy;
use crate::number::{self, OrdinalForm};

/// The meaning of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lex {
    /// Cardinal in words.
    Card(u32),
    /// Ordinal in words.
    Ord(u32, OrdinalForm),
    /// Figures: value and number of digits.
    Digits(u32, usize),
    /// «полпятого» in one word: the hour that is under way.
    HalfTo(u32),
    Weekday(Weekday),
    /// «вторникам»: every Tuesday.
    EveryWeekday(Weekday),
    Month(i8),
    /// сегодня 0, завтра 1 …
    Relative(i32),
    Yesterday,
    Unit(Unit),
    /// «полчаса».
    HalfHour,
    /// «полгода», «полмесяца».
    HalfYear,
    HalfMonth,
    Part(Part),
    /// «утра», «вечера»: after an hour they say which half of the day.
    PartOf(Part),
    Prep(Prep),
    Not,
    /// Takes back what was said: «ой», «вернее», «то есть».
    Correct,
    /// «лучше»: takes back a value of the same kind only.
    Rather,
    /// «пораньше»: the morning, unless a part of the day is named.
    Early,
    /// «прямо сейчас».
    Now,
    /// «нет» takes back between two values, otherwise it says nothing.
    No,
    Or,
    And,
    Next,
    This,
    Nearest,
    Last,
    Ago,
    /// «числа».
    OfMonth,
    Start,
    Middle,
    End,
    Half,
    /// «пол» on its own.
    HalfPrefix,
    Quarter,
    Without,
    OneAndHalf,
    Couple,
    Several,
    Earlier,
    Later,
    Any,
    Every,
    Except,
    Weekend,
    Workdays,
    /// «побыстрее», «срочно».
    Asap,
    /// «на днях», «потом»: a wish without a value.
    Vague,
    /// A noun that shows the number before it to be no time.
    Thing,
    /// A sign of medicine taking: таблетка, капать, раз.
    Dose,
    /// A sign of a place: улица, дом.
    Address,
    /// Past tense.
    Past,
    /// What the patient suffers from now.
    Symptom,
    /// A wish to come: можно, хочу, запишите.
    Wish,
    /// «могу», «успею»: with «не» before it the time named does not suit.
    Able,
    /// «занят», «работаю», «никак»: the time named does not suit.
    Busy,
    /// Moving a booking.
    Move,
    /// «записан».
    Booked,
    /// Says nothing: «ну», «примерно».
    Filler,
    /// Anything else.
    Other,
    /// Beyond the last word.
    Nil,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Morning,
    BeforeLunch,
    Lunch,
    Day,
    AfterLunch,
    Evening,
    LateEvening,
    Night,
    Noon,
    Opening,
    Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prep {
    In,
    On,
    To,
    Until,
    From,
    After,
    Through,
    About,
    Between,
    By,
    Of,
    For,
}

/// The meaning of a folded word as it stands.
pub(super) fn exact(word: &str) -> Option<Lex> {
    if let Some(lex) = TABLE.get(word) {
        return Some(*lex);
    }
    if let Some(number) = number::exact(word) {
        return Some(number_lex(number));
    }
    half_to(word).or_else(|| cue(word))
}

/// The meaning of a folded word, forgiving slips in words of six letters and more.
pub(super) fn meaning(word: &str) -> Lex {
    exact(word).or_else(|| tolerant(word)).unwrap_or(Lex::Other)
}

fn tolerant(word: &str) -> Option<Lex> {
    let letters = word.chars().count();
    if letters < 6 || SOUND_WORDS.iter().any(|sound| word.starts_with(sound)) {
        return None;
    }
    if let Some(number) = number::word(word) {
        return Some(number_lex(number));
    }
    let mut best: Option<(usize, Lex)> = None;
    for (form, lex) in TABLE.iter() {
        let length = form.chars().count();
        if length < 6 || !bears_damage(*lex) {
            continue;
        }
        let limit = if length >= 9 { 2 } else { 1 };
        if let Some(distance) = fuzzy::within(form, word, limit) {
            match best {
                Some((least, _)) if least < distance => {}
                Some((least, other)) if least == distance && other != *lex => best = Some((least, Lex::Other)),
                _ => best = Some((distance, *lex)),
            }
        }
    }
    best.map(|(_, lex)| lex).filter(|lex| *lex != Lex::Other).or_else(|| half_to(word))
}

/// Only words that name a day or a time are looked for under damage; function words and cues are too many-faced.
fn bears_damage(lex: Lex) -> bool {
    matches!(
        lex,
        Lex::Weekday(_)
            | Lex::Month(_)
            | Lex::Relative(_)
            | Lex::Part(_)
            | Lex::Weekend
            | Lex::Next
            | Lex::Nearest
            | Lex::Half
            | Lex::Unit(_)
            | Lex::Quarter
    )
}

/// «полпятого», also as «полпятова», «полдевять».
fn half_to(word: &str) -> Option<Lex> {
    let rest = word.strip_prefix("полу").filter(|r| number::exact(r).is_some()).or_else(|| word.strip_prefix("пол"))?;
    let number = number::exact(rest).or_else(|| (rest.chars().count() >= 6).then(|| number::word(rest)).flatten())?;
    let half = matches!(number.ordinal, Some(OrdinalForm::Genitive | OrdinalForm::Dative | OrdinalForm::Prepositional));
    (half && (1..=12).contains(&number.value)).then_some(Lex::HalfTo(number.value))
}

fn number_lex(number: number::NumberWord) -> Lex {
    match number.ordinal {
        None => Lex::Card(number.value),
        Some(form) => Lex::Ord(number.value, form),
    }
}

/// Words known by how they begin.
fn cue(word: &str) -> Option<Lex> {
    STARTS.iter().find(|(_, starts)| starts.split(' ').any(|s| word.starts_with(s))).map(|(lex, _)| *lex).or_else(
        || {
            let past = ["лся", "лась", "лись", "лось", "ла", "ло", "ли"].iter().any(|end| word.ends_with(end))
                || word.ends_with("ал")
                || word.ends_with("ил")
                || word.ends_with("ел");
            let verb = word.chars().count() >= 4 && !NOT_PAST.iter().any(|not| word.starts_with(not));
            (past && verb).then_some(Lex::Past)
        },
    )
}

/// Words that end like a past tense and are none, or that wish rather than report.
const NOT_PAST: &[&str] = &[
    "или",
    "если",
    "дела",
    "дело",
    "мало",
    "около",
    "числ",
    "начал",
    "хотел",
    "смогла",
    "смогли",
    "могла",
    "могли",
    "сказал",
    "говорил",
    "реши",
    "дума",
    "планир",
    "недели",
    "стол",
    "понял",
    "рассчит",
    "скольк",
    "отдел",
    "пробел",
    "апрел",
    "поняла",
    "поняли",
    "собира",
    "собра",
    "сможе",
    "пол",
    "бол",
    "хвал",
    "освободи",
    "успел",
    "тел",
    "предл",
    "усл",
    "кил",
    "было бы",
    "посоветова",
    "рекоменд",
    "стала",
    "предел",
    "мыл",
    "рыл",
    "игл",
    "прил",
    "анал",
    "насил",
    "материал",
    "филиал",
    "скала",
    "школ",
    "футбол",
    "капсул",
    "перил",
    "удал",
    "подал",
    "канал",
    "подвал",
    "вокзал",
    "зал",
    "санд",
    "позвонил",
    "звонил",
    "устроил",
    "подошл",
    "удобн",
    "назначил",
    "велел",
    "далел",
    "назначали",
];

/// Ordinary words that lie within a slip of a calendar word.
const SOUND_WORDS: &[&str] = &[
    "завтрак",
    "четверо",
    "четвертин",
    "вечеринк",
    "субботник",
    "модел",
    "послед",
    "предыдущ",
    "обедн",
    "вторич",
    "часто",
    "минуя",
    "минувш",
    "полноч",
    "сегмент",
    "середн",
    "второе",
    "утроен",
    "следы",
    "следит",
    "следов",
    "следст",
    "следи",
    "августин",
    "мартын",
    "маркет",
    "сентиме",
    "ветерин",
    "четвертов",
    "месте",
    "недолг",
    "неделим",
    "часовн",
    "дневник",
    "вечност",
    "вечерня",
    "половин",
    "полови",
    "половы",
    "полежа",
    "мечет",
    "шестер",
    "недоел",
    "недавн",
];

/// A meaning and the words that have it, separated by spaces.
type Forms = (Lex, &'static str);

/// Beginnings that show what a word is about.
const STARTS: &[Forms] = &[
    (Lex::Asap, "побыстр поскор срочн немедленн незамедл неотложн экстренн"),
    (Lex::Move, "перен передвин перезапи перебро сдвин поменя перестав"),
    (Lex::Booked, "записан"),
    (
        Lex::Dose,
        "таблет полтаблет капельк капл миллиграм миллилит ампул дозир дозу доза принима пипет укол капать \
         капаем капаю мазат мажем дозы",
    ),
    (Lex::Address, "улиц проспект переулок переулк квартир корпус подъезд этаж шоссе площад домофон кабинет строени"),
    (
        Lex::Symptom,
        "болит болею болеет рвет тошнит хрома кашля чихает понос температур чешет вялый вялая опух кровит \
         кровоточ гноит стонет задых мучае ноет беспоко стреляет дергает ест кушает пьет лежит плачет воспал \
         насморк судорог лихорад слезит слабит писает какает поносит трясет рвота рвоты",
    ),
    (Lex::Past, "был родил рожден рождени прошл лечим лечусь живем назад"),
    (
        Lex::Busy,
        "занят работаю учусь уезжа уеду отпуск неудобн никак исключ командировк невозмож улета недоступ учеб \
         неприемл",
    ),
    (
        Lex::Able,
        "могу смогу сможе может получа получит успе подход подойд устраива устрои вариант годит выйдет приеде \
         выхо",
    ),
    (
        Lex::Wish,
        "можно хоч хотел хотим запиш запис надо нужн давай приехат приеха приед подъед подъех прийти приду \
         приде подойти удобн буд желат ставьте поставьте свобод окошк окно местеч",
    ),
    (
        Lex::Thing,
        "раз мест лет килограм кило рубл тысяч грамм процент штук человек зуб номер комнат градус лап клиник \
         больниц детей анализ вопрос сантиметр метр литр корп дом сын доч пациент прививк услуг класс сорт \
         групп част вид тип канал размер стади степен категор ранг курс палат гривен доллар очеред линии \
         вариан",
    ),
];

const WEEKDAYS: &[(Weekday, &str, &str)] = &[
    (
        Weekday::Monday,
        "понедельник понедельника понедельнику понедельником понедельнике понедельничек пн понедельничный \
         панидельник понидельник",
        "понедельникам понедельники понедельников",
    ),
    (
        Weekday::Tuesday,
        "вторник вторника вторнику вторником вторнике вт вторничек фторник",
        "вторникам вторники вторников",
    ),
    (Weekday::Wednesday, "среда среды среде среду средой ср сриду срида сред серду", "средам"),
    (
        Weekday::Thursday,
        "четверг четверга четвергу четвергом четверге чт четверк чатверг читверг четвер четверх",
        "четвергам четверги четвергов",
    ),
    (
        Weekday::Friday,
        "пятница пятницы пятнице пятницу пятницей пт пятничка пятничку пятничный питница питницу пятнеца",
        "пятницам",
    ),
    (
        Weekday::Saturday,
        "суббота субботы субботе субботу субботой сб субота суботу субботний субботнее собота соботу",
        "субботам",
    ),
    (
        Weekday::Sunday,
        "воскресенье воскресенья воскресенью воскресеньем воскресение воскресения воскресению вс воскресный \
         воскресное васкресенье воскрисенье",
        "воскресеньям воскресениям",
    ),
];

const MONTHS: &[&str] = &[
    "январь января январе январю янв",
    "февраль февраля феврале февралю фев",
    "март марта марте марту",
    "апрель апреля апреле апрелю",
    "май мая мае маю",
    "июнь июня июне июню",
    "июль июля июле июлю",
    "август августа августе августу",
    "сентябрь сентября сентябре сентябрю",
    "октябрь октября октябре октябрю",
    "ноябрь ноября ноябре ноябрю",
    "декабрь декабря декабре декабрю",
];

const WORDS: &[Forms] = &[
    (Lex::Relative(0), "сегодня севодня сегодняшний сегодняшнего сегодняшнее сегодняшнему сиводня седня сегодне"),
    (Lex::Relative(1), "завтра завтро зафтра завтрашний завтрашнего завтрашнее завтрашнему завтраго взавтра завтрова"),
    (Lex::Relative(2), "послезавтра послезавтро послезавтрашний послезавтрашнего послезафтра послезавтрова"),
    (Lex::Relative(3), "послепослезавтра"),
    (Lex::Yesterday, "вчера вчерашнего вчерашний вчерашней вчерашнюю вчерась позавчера позавчерашнего давеча"),
    (Lex::Unit(Unit::Minute), "минута минуту минуты минут минутам минуток минуточек мин минутку минуточку"),
    (
        Lex::Unit(Unit::Hour),
        "час часа часов часам часу часе часик часика часиков часикам часок часика ч чеса чесов часиком часику",
    ),
    (Lex::Unit(Unit::Day), "день дней дни денек деньков денька сутки суток дню"),
    (
        Lex::Unit(Unit::Week),
        "неделя неделю недели недель неделе недельку недельки неделька неделек ниделю ниделе недельке",
    ),
    (Lex::Unit(Unit::Month), "месяц месяца месяцев месяце месяцок месяцу месец месяцок месица"),
    (Lex::Unit(Unit::Year), "год года году годик годика годиков лет годов годовалый летний"),
    (Lex::HalfHour, "полчаса полчасика полчасок"),
    (Lex::HalfYear, "полгода полгодика"),
    (Lex::HalfMonth, "полмесяца"),
    (
        Lex::Part(Part::Morning),
        "утром утречком утреца утро утру утрам утренний утреннее утреннего утряночки поутру спозаранку \
         утречка утричком",
    ),
    (Lex::PartOf(Part::Morning), "утра утру"),
    (Lex::Part(Part::Day), "днем дневное дневной дневного"),
    (Lex::PartOf(Part::Day), "дня пополудни дни"),
    (
        Lex::Part(Part::Evening),
        "вечером вечерком вечер вечеру вечерок вечерам вечеречком вечернее вечерний вечернего вечиром \
         вечерочком вечирам ввечеру вечирком",
    ),
    (Lex::PartOf(Part::Evening), "вечера вечира вечеров"),
    (Lex::Part(Part::Night), "ночью ночь"),
    (Lex::PartOf(Part::Night), "ночи"),
    (Lex::Part(Part::Noon), "полдень полудня полудню полуднем полдня полуден"),
    (Lex::Part(Part::Lunch), "обед обеда обеду обедом обеде обеденное обеденный обеденного абед абеда"),
    (Lex::Part(Part::Opening), "открытие открытия открытию открытием аткрытию"),
    (Lex::Part(Part::Closing), "закрытие закрытия закрытию закрытием закрытии"),
    (Lex::Prep(Prep::In), "в во ф"),
    (Lex::Prep(Prep::On), "на под"),
    (Lex::Prep(Prep::To), "к ко"),
    (Lex::Prep(Prep::Until), "до"),
    (Lex::Prep(Prep::From), "с со начиная"),
    (Lex::Prep(Prep::After), "после посли опосля спустя"),
    (Lex::Prep(Prep::Through), "через черес чрез чирез чериз"),
    (Lex::Prep(Prep::About), "около окола районе близко"),
    (Lex::Prep(Prep::Between), "между промежутке"),
    (Lex::Prep(Prep::By), "по"),
    (Lex::Prep(Prep::Of), "от"),
    (Lex::Prep(Prep::For), "за перед"),
    (Lex::Not, "не ни"),
    (Lex::No, "нет неа нету"),
    (
        Lex::Correct,
        "ой вернее точнее ошиблась ошибся оговорилась оговорился перепутала перепутал тьфу хотя отставить \
         стоп наоборот передумала передумал поправка извините простите извиняюсь",
    ),
    (Lex::Rather, "лучше удобнее"),
    (Lex::Early, "пораньше раненько"),
    (Lex::Or, "или либо иль"),
    (Lex::And, "а и но да"),
    (
        Lex::Next,
        "следующий следующую следующей следующая следующее следующие следующего следующем следующих следущую \
         следущей следущий следующею будущей будущую будущий будущем будущего следщий следщую следушую \
         следушей следующию",
    ),
    (Lex::This, "этот эту этой эта этого этом эти этих текущей текущего текущем нынешней нынешнюю"),
    (
        Lex::Nearest,
        "ближайший ближайшую ближайшая ближайшее ближайшие ближайшей ближайшего ближайших блежайший ближнюю \
         ближний",
    ),
    (
        Lex::Last,
        "прошлый прошлую прошлой прошлое прошлого прошлом прошлые прошлая позапрошлой позапрошлую минувший \
         минувшую предыдущий предыдущую позапрошлый",
    ),
    (Lex::Ago, "назад тому"),
    (Lex::OfMonth, "числа число числу числе чесла числах го ого ое"),
    (Lex::Start, "начало начале начала началу"),
    (Lex::Middle, "середина середине середину середины посередине сиредине средине"),
    (Lex::End, "конец конце конца концу канце"),
    (Lex::Half, "половина половине половину половины палавине половинку половинке половене"),
    (Lex::HalfPrefix, "пол полу"),
    (Lex::Quarter, "четверть четверти читверти четвирти"),
    (Lex::Without, "без бес безо"),
    (Lex::OneAndHalf, "полтора полторы полутора"),
    (Lex::Couple, "пару пара парочку пары"),
    (Lex::Several, "несколько"),
    (Lex::Earlier, "раньше ранее рань"),
    (Lex::Later, "позже позднее поздней позжее пожже познее"),
    (Lex::Any, "любой любое любую любая любые"),
    (Lex::Every, "каждый каждое каждую каждые"),
    (Lex::Except, "кроме окромя исключая помимо"),
    (Lex::Weekend, "выходные выходных выходным выходной выхадные уикенд"),
    (Lex::Workdays, "будни будний будням будних буднее будние буднего рабочий рабочие рабочим рабочих буднях"),
    (Lex::Asap, "скорее быстрее скорей быстрей быстро"),
    (Lex::Vague, "потом попозже попозднее позднее"),
    (Lex::Past, "ел пил шел тошнило рвало делали"),
    (
        Lex::Thing,
        "км кг мг руб р годовалый см ти ю я секунд секунду секунды кошек котов котят собак щенков кроликов \
         крыс хомяков животных врачам врачей врачами докторам специалистам специалистов",
    ),
    (Lex::Dose, "мл капли укола мажу пьем пью даю даем давать дать доза"),
    (Lex::Address, "дом ул кв проспект ленина"),
    (
        Lex::Filler,
        "ну вот это э ээ эээ эм мм ммм м примерно приблизительно где то нибудь наверное наверно скажем \
         допустим пожалуй пожалуйста же еще там типа значит ровно именно прямо уже самый самого самое самому \
         самой только так бы ближе желательно сразу если вроде хоть получается аж чтоб чтобы алло ага угу \
         слушайте девушка здравствуйте короче собственно просто точно",
    ),
    (
        Lex::Other,
        "перед перепут стоит домой дома частный часто разве разный разное сначала совсем вас нас дело дела \
         лето летом который котор которая которое детский типу живот живота участок раздел видимо видно \
         домашний котором дети разрыв родители",
    ),
];

static TABLE: LazyLock<HashMap<&'static str, Lex>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for (lex, forms) in WORDS {
        table.extend(forms.split_whitespace().map(|form| (form, *lex)));
    }
    for (day, forms, every) in WEEKDAYS {
        table.extend(forms.split_whitespace().map(|form| (form, Lex::Weekday(*day))));
        table.extend(every.split_whitespace().map(|form| (form, Lex::EveryWeekday(*day))));
    }
    for (nth, forms) in MONTHS.iter().enumerate() {
        table.extend(forms.split_whitespace().map(|form| (form, Lex::Month(nth as i8 + 1))));
    }
    table
});
