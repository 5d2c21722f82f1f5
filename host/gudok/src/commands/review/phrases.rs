//! What the screen of `gudok review` says, in both languages.

use understanding::category::Category;

use crate::cli::Lang;

pub(super) struct Phrases {
    lang: Lang,
    pub nothing: &'static str,
    pub put_off: &'static str,
    pub seen: &'static str,
    pub left: &'static str,
    pub retrain: &'static str,
    pub missed: &'static str,
    pub of: &'static str,
    pub program: &'static str,
    /// The clinic, the caller, somebody; of one width.
    pub sides: [&'static str; 3],
    pub help: &'static str,
    pub no_player: &'static str,
    pub no_recording: &'static str,
    pub unreadable: &'static str,
    doubt: &'static str,
    chance: &'static str,
    check: &'static str,
}

const RUSSIAN: Phrases = Phrases {
    lang: Lang::Ru,
    nothing: "смотреть нечего",
    put_off: "отложено",
    seen: "рассмотрено",
    left: "осталось",
    retrain: "переобучить",
    missed: " · клиника звонила на этот номер",
    of: "из",
    program: "программа",
    sides: ["клиника ", "звонящий", "кто-то  "],
    help: "Enter согласиться · p послушать · e решающие слова · s отложить · b назад · q выход",
    no_player: "нечем проиграть: установите alsa-utils (aplay), pulseaudio-utils или ffmpeg",
    no_recording: "у этого звонка нет записи",
    unreadable: "запись не читается",
    doubt: "сомнение",
    chance: "наугад",
    check: "проверка уверенного",
};

const ENGLISH: Phrases = Phrases {
    lang: Lang::En,
    nothing: "nothing to look at",
    put_off: "put off",
    seen: "looked at",
    left: "left",
    retrain: "to retrain",
    missed: " · the clinic had called this number",
    of: "of",
    program: "the program says",
    sides: ["clinic ", "caller ", "someone"],
    help: "Enter agree · p listen · e the words that decided · s put off · b back · q quit",
    no_player: "nothing to play it with: install alsa-utils (aplay), pulseaudio-utils or ffmpeg",
    no_recording: "this call has no recording",
    unreadable: "the recording cannot be read",
    doubt: "doubt",
    chance: "by chance",
    check: "a sure one, checked",
};

impl Phrases {
    pub(super) fn of(lang: Lang) -> &'static Phrases {
        match lang {
            Lang::Ru => &RUSSIAN,
            Lang::En => &ENGLISH,
        }
    }

    /// Why a call waits ([`super::queue::Queued::why`]).
    pub(super) fn why(&self, why: &str) -> &'static str {
        match why {
            "doubt" => self.doubt,
            "chance" => self.chance,
            _ => self.check,
        }
    }

    pub(super) fn title<'a>(&self, category: &'a Category) -> &'a str {
        match self.lang {
            Lang::Ru => &category.title_ru,
            Lang::En => &category.title_en,
        }
    }
}
