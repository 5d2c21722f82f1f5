//! Facts that the clinic tells of itself: where it is, when it is open. An entry of the FAQ may tell them better («как
//! добраться», «где парковка»), but not one that shares a word of place or time with the question and is about something
//! else.

/// A fact, by the words that ask for it and for nothing beside it.
pub struct Fact {
    /// How they begin.
    beginnings: &'static str,
    /// Those by which an entry is about the fact, whatever else it is about.
    sure: &'static str,
}

/// From here on an entry is believed to answer a question that names something of its own.
const SURE: f64 = 0.75;

/// Words that hold a question together.
const JOINTS: &str = "а алло был быть в вам вас ваш ваша ваше ваши во вообще вот вы да день для до добрый есть еще же за и из или \
    именно как какая какие какой каком к ко ли мне можно мы на нам не ну о он она от по подскажите пожалуйста при \
    расскажите с самое сейчас скажите со так там то тут у уже узнать хотел хотела что это я здравствуйте";

impl Fact {
    /// Where the clinic is and how to get there.
    pub const ADDRESS: Fact = Fact {
        beginnings: "автобус адрес вход где добира добрат доехат дойти дом ехать клиник куда маршрут метро наход ориентир остановк \
            подъе прийти приехать проезд проехат пройти район располож станц улиц этаж",
        sure: "адрес находитесь добрат доехат проехат",
    };
    /// When it is open.
    pub const HOURS: Fact = Fact {
        beginnings: "будн вечер воскрес врем вторник выходн график завтра закры клиник когда круглосуточ ноч откры понедельник \
            праздник празднич прием принима пятниц работ расписан режим сегодня скольк сред суббот утр час четверг",
        sure: "режим работаете открыты",
    };

    /// Whether an entry of the FAQ, found with this confidence, tells what was asked.
    pub fn told_by(&self, asked: &str, title: &str, answer: &str, confidence: f64) -> bool {
        let surely = words(title).any(|word| begins(&word, self.sure));
        if surely || self.beside(title).next().is_none() {
            return true;
        }
        let mut named = self.beside(asked).peekable();
        if named.peek().is_none() {
            return false;
        }
        confidence >= SURE
            || named.any(|word| self.beside(title).chain(self.beside(answer)).any(|own| alike(&word, &own)))
    }

    /// The words that ask for something else.
    fn beside<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        words(text)
            .filter(|word| !JOINTS.split(' ').any(|joint| joint == word))
            .filter(|word| !begins(word, self.beginnings))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(|part| part.to_lowercase().replace('ё', "е"))
}

fn begins(word: &str, beginnings: &str) -> bool {
    beginnings.split(' ').any(|beginning| word.starts_with(beginning))
}

/// Forms of one word: the same beginning.
fn alike(a: &str, b: &str) -> bool {
    let beginning = |word: &str| word.chars().take(5).collect::<String>();
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    beginning(short).chars().count() > 3 && beginning(long).starts_with(&beginning(short)) || a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_question_is_answered_by_entries_about_nothing_else() {
        let told = |asked: &str, title: &str| Fact::ADDRESS.told_by(asked, title, "На первом этаже.", 0.6);
        assert!(told("где вы находитесь", "Где вы находитесь? Какой у вас адрес, как добраться?"));
        assert!(!told("подскажите, где вы находитесь", "Где у вас делают УЗИ"));
        assert!(!told("какой у вас адрес", "Есть ли у вас парковка, где поставить машину?"));
        assert!(told("где вы находитесь", "Адреса филиалов: на Ленина и на Мира"));
        assert!(told("где у вас парковка", "Есть ли у вас парковка, где поставить машину?"));
    }

    #[test]
    fn a_question_about_something_needs_an_entry_that_speaks_of_it() {
        let told = |asked: &str, title: &str, confidence| Fact::HOURS.told_by(asked, title, "С восьми.", confidence);
        assert!(told("до скольки вы", "Часы приёма", 0.5));
        assert!(told("до скольки берут кровь", "До скольких можно сдать кровь?", 0.5));
        assert!(!told("до скольки работает аптека", "До скольких можно сдать кровь?", 0.5));
        assert!(told("до скольки можно анализы", "До скольких можно сдать кровь?", 0.9));
        assert!(!told("вы сегодня работаете", "До скольких можно сдать кровь?", 0.9));
    }
}
