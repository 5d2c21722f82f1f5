//! The door's pages, in Russian and English: plain forms that work without a script.

use accounts::AccountError;
use maud::{DOCTYPE, Markup, html};
use reports::Lang;

/// What stands on the pages.
pub(super) struct Words {
    lang: Lang,
    /// Light or dark, where this browser chose.
    theme: Option<&'static str>,
}

impl Words {
    pub(super) fn of(lang: Lang, theme: Option<&'static str>) -> Self {
        Self { lang, theme }
    }

    fn say(&self, ru: &'static str, en: &'static str) -> &'static str {
        match self.lang {
            Lang::Ru => ru,
            Lang::En => en,
        }
    }

    fn code(&self) -> &'static str {
        self.say("ru", "en")
    }

    fn error(&self, error: &AccountError) -> String {
        if self.lang == Lang::En {
            return error.to_string();
        }
        match error {
            AccountError::Wrong => "Логин, пароль или код не подходит.".to_owned(),
            AccountError::CodeNeeded => "Нужен код из приложения; подойдёт и запасной код.".to_owned(),
            AccountError::Wait { seconds } => {
                format!("Слишком много неверных попыток. Попробуйте через {seconds} с.")
            }
            AccountError::BadLink => "Ссылкой уже воспользовались, или её срок вышел. Попросите новую.".to_owned(),
            AccountError::BadField { field: "password", problem } if problem.contains("10 to 256") => {
                "Пароль: от 10 до 256 знаков. Несколько слов легко запомнить.".to_owned()
            }
            AccountError::BadField { field: "password", problem } if problem.contains("differ") => {
                "Пароль не должен совпадать с логином.".to_owned()
            }
            AccountError::BadField { field: "password", .. } => {
                "Такой пароль пробуют первым. Возьмите несколько слов.".to_owned()
            }
            AccountError::BadField { field: "login", .. } => {
                "Логин: от 2 до 100 букв, цифр и знаков @ . - _ +".to_owned()
            }
            AccountError::BadField { field: "name", .. } => "Имя: до 100 знаков.".to_owned(),
            AccountError::LoginTaken => "Такой логин уже есть.".to_owned(),
            _ => "Не получилось. Причина записана в журнале сервера.".to_owned(),
        }
    }
}

fn page(words: &Words, title: &str, content: Markup) -> String {
    let whole = html! {
        (DOCTYPE)
        html lang=(words.code()) data-theme=[words.theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(words.theme.unwrap_or("light dark"));
                title { (title) " — Gudok" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/login/style.css";
            }
            body {
                main.door {
                    p.mark aria-hidden="true" { "Gudok" }
                    h1 { (title) }
                    (content)
                }
            }
        }
    };
    whole.into_string()
}

fn problem(words: &Words, error: Option<&AccountError>) -> Markup {
    html! {
        @if let Some(error) = error {
            p.problem role="alert" { (words.error(error)) }
        }
    }
}

pub(super) fn login(
    words: &Words,
    next: &str,
    login: &str,
    error: Option<&AccountError>,
    openid: Option<&str>,
) -> String {
    let title = words.say("Вход", "Sign in");
    let code = matches!(error, Some(AccountError::CodeNeeded));
    let content = html! {
        (problem(words, error))
        form method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            label for="login" { (words.say("Логин или почта", "Login or e-mail")) }
            input #login name="login" value=(login) autocomplete="username" required autofocus[!code];
            label for="password" { (words.say("Пароль", "Password")) }
            input #password name="password" type="password" autocomplete="current-password" required;
            label for="code" { (words.say("Код из приложения, если включён", "Code of the authenticator, if it is on")) }
            input #code name="code" autocomplete="one-time-code" autofocus[code];
            button type="submit" { (words.say("Войти", "Sign in")) }
        }
        @if let Some(name) = openid {
            p { a href={ "/login/openid?next=" (encoded(next)) } { (words.say("Войти через ", "Sign in with ")) (name) } }
        }
    };
    page(words, title, content)
}

pub(super) fn first_run(words: &Words, token: &str, error: Option<&AccountError>) -> String {
    let title = words.say("Первый владелец", "The first owner");
    let content = html! {
        p { (words.say(
            "Здесь ещё никого нет. Вы станете владельцем: сможете всё и позовёте остальных.",
            "Nobody is here yet. You become the owner: you may do everything, and you let the others in."
        )) }
        (problem(words, error))
        form method="post" action="/first-run" {
            input type="hidden" name="token" value=(token);
            input type="hidden" name="language" value=(words.code());
            label for="name" { (words.say("Ваше имя", "Your name")) }
            input #name name="name" autocomplete="name" required maxlength="100";
            label for="login" { (words.say("Логин или почта", "Login or e-mail")) }
            input #login name="login" autocomplete="username" required minlength="2" maxlength="100";
            label for="password" { (words.say("Пароль, от 10 знаков", "Password, 10 characters or more")) }
            input #password name="password" type="password" autocomplete="new-password" required minlength="10";
            button type="submit" { (words.say("Начать", "Begin")) }
        }
    };
    page(words, title, content)
}

pub(super) fn invitation(words: &Words, token: &str, name: &str, error: Option<&AccountError>) -> String {
    let title = words.say("Выберите пароль", "Choose a password");
    let content = html! {
        @if !name.is_empty() {
            p { (name) }
        }
        (problem(words, error))
        form method="post" action="/invitation" {
            input type="hidden" name="token" value=(token);
            label for="password" { (words.say("Пароль, от 10 знаков", "Password, 10 characters or more")) }
            input #password name="password" type="password" autocomplete="new-password" required minlength="10" autofocus;
            button type="submit" { (words.say("Сохранить", "Save")) }
        }
    };
    page(words, title, content)
}

pub(super) fn no_link(words: &Words, error: &AccountError) -> String {
    let title = words.say("Ссылка не работает", "This link does not work");
    let content = html! {
        (problem(words, Some(error)))
        p { a href="/login" { (words.say("Войти", "Sign in")) } }
    };
    page(words, title, content)
}

pub(super) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What the door's pages are dressed in.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark}:root[data-theme=dark]{color-scheme:dark}:root[data-theme=light]{color-scheme:light}\
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;\
background:Canvas;color:CanvasText}\
.door{width:min(22rem,calc(100vw - 2rem));padding:1rem 0}\
.mark{margin:0;font-weight:700;letter-spacing:.02em}\
h1{font-size:1.5rem;margin:.25rem 0 1rem}\
label{display:block;margin-top:.75rem}\
input{box-sizing:border-box;width:100%;padding:.55rem .6rem;font:inherit;border:1px solid #767676;border-radius:.4rem}\
button{margin-top:1.25rem;width:100%;padding:.65rem;font:inherit;font-weight:600;color:#fff;background:#14532d;border:0;\
border-radius:.4rem;cursor:pointer}\
:focus-visible{outline:3px solid #2563eb;outline-offset:2px}\
.problem{padding:.6rem .75rem;border-left:4px solid #b91c1c;background:color-mix(in srgb,#b91c1c 12%,Canvas)}";
