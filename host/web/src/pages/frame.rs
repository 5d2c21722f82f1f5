//! What stands around every page: where one is, where one can go, whose calls these are.

use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::desk::Desk;
use crate::auth::Permission;

/// Nothing from outside, nothing inline.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Where one can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Today,
    Report,
    Staffing,
    Calls,
    Visits,
    Requests,
    Dial,
    Chat,
    Flows,
    Clinic,
}

/// In the order they are listed: the place, its address, and the key that leads there after `g`.
const PLACES: &[(Place, &str, &str)] = &[
    (Place::Today, "today", "t"),
    (Place::Report, "report", "r"),
    (Place::Staffing, "staffing", "s"),
    (Place::Calls, "calls", "c"),
    (Place::Visits, "visits", "v"),
    (Place::Requests, "requests", "q"),
    (Place::Dial, "dial", "d"),
    (Place::Chat, "chat", "m"),
    (Place::Flows, "flows", "f"),
    (Place::Clinic, "clinic", "k"),
];

impl Place {
    /// What one must be allowed to see it.
    fn wants(self) -> Option<Permission> {
        match self {
            Self::Today | Self::Calls => Some(Permission::SeeCalls),
            Self::Report | Self::Staffing => Some(Permission::SeeReport),
            Self::Visits => Some(Permission::SeeVisits),
            Self::Requests | Self::Dial => Some(Permission::ManageRequests),
            Self::Chat => Some(Permission::Chat),
            Self::Flows => Some(Permission::ManageFlows),
            Self::Clinic => None,
        }
    }

    fn title(self, desk: &Desk) -> &'static str {
        let t = desk.words();
        match self {
            Self::Today => t.today,
            Self::Report => t.report,
            Self::Staffing => t.staffing,
            Self::Calls => t.calls,
            Self::Visits => t.visits,
            Self::Requests => t.requests,
            Self::Dial => t.dial,
            Self::Chat => t.chat,
            Self::Flows => t.flows,
            Self::Clinic => t.clinic,
        }
    }
}

/// A whole page.
pub(crate) fn page(desk: &Desk, place: Place, title: &str, body: &Markup) -> Response {
    let t = desk.words();
    let whole = html! {
        (DOCTYPE)
        html lang=(desk.lang.as_str()) data-theme=[desk.theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(desk.theme.unwrap_or("light dark"));
                meta name="csrf" content=(desk.viewer.csrf);
                title { (title) " · " (desk.clinic.name) }
                link rel="stylesheet" href=(assets::style());
                link rel="icon" href="data:,";
                script defer src=(assets::script()) {}
            }
            body {
                a.skip href="#main" { (t.skip) }
                div.app {
                    header.side {
                        a.brand href=(desk.path("")) aria-label=(t.home) { (reports::page::logo()) span { (t.gudok) } }
                        nav aria-label=(t.pages) {
                            @for (other, path, key) in PLACES.iter().filter(|known| known.0.wants().is_none_or(|wanted| desk.may(wanted))) {
                                a href=(desk.path(path)) data-go=(key) aria-current=[(*other == place).then_some("page")] { (other.title(desk)) }
                            }
                        }
                        (foot(desk))
                    }
                    main #main tabindex="-1" {
                        @if desk.state.made_up { p.notice.made-up { (t.made_up) } }
                        (body)
                    }
                }
                (help(desk))
            }
        }
    };
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(whole.into_string())).into_response()
}

/// Which clinic, which language, which colours.
fn foot(desk: &Desk) -> Markup {
    let t = desk.words();
    let link = |what: &str| format!("/desk/prefs?{what}&back={}", encoded(&desk.here));
    let other_theme = if desk.theme == Some("dark") { "light" } else { "dark" };
    html! {
        div.foot {
            @if desk.clinics.len() > 1 {
                details.choose {
                    summary { (desk.clinic.name) }
                    ul { @for clinic in &desk.clinics { @if clinic.id != desk.clinic.id {
                        li { a href=(format!("/desk/{}", clinic.id)) { (clinic.name) } }
                    } } }
                }
            } @else { span.clinic { (desk.clinic.name) } }
            div.prefs {
                @if desk.lang == reports::Lang::Ru { a href=(link("lang=en")) lang="en" hreflang="en" { "English" } }
                @else { a href=(link("lang=ru")) lang="ru" hreflang="ru" { "По-русски" } }
                a href=(link(&format!("theme={other_theme}"))) rel="nofollow" { @if other_theme == "dark" { (t.dark) } @else { (t.light) } }
                button.link.keys type="button" data-help hidden { (t.keys) " " kbd { "?" } }
            }
            form.me method="post" action="/logout" { (token(desk)) span { (desk.by()) } button.link type="submit" { (t.sign_out) } }
        }
    }
}

/// What the keys do; shown by the script.
fn help(desk: &Desk) -> Markup {
    let t = desk.words();
    let keys = [
        ("/", t.key_search),
        ("j k", t.key_next),
        ("Enter", t.key_open),
        ("1 … 9, 0", t.key_tag),
        ("n", t.key_doubtful),
        (t.space, t.key_play),
        ("← →", t.key_seek),
        ("g c, g r, g t …", t.key_go),
        ("?", t.key_help),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { (t.keys) }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { (t.close) } }
        }
    }
}

/// A title with what can be done on the right.
pub(crate) fn head(title: &str, beside: &Markup) -> Markup {
    html! { div.head { h1 { (title) } div.beside { (beside) } } }
}

/// The field with the token; first thing in every form.
pub(crate) fn token(desk: &Desk) -> Markup {
    html! { input type="hidden" name="csrf" value=(desk.viewer.csrf); }
}

/// For a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `+7 903 123-45-67`; others as they are.
pub(crate) fn phone(number: &str) -> String {
    match number.strip_prefix("+7").filter(|rest| rest.len() == 10 && rest.bytes().all(|b| b.is_ascii_digit())) {
        Some(rest) => format!("+7\u{a0}{}\u{a0}{}-{}-{}", &rest[..3], &rest[3..6], &rest[6..8], &rest[8..]),
        None => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_numbers() {
        assert_eq!(encoded("/desk/a?b=ё&c"), "/desk/a%3Fb%3D%D1%91%26c");
        assert_eq!(phone("+79031234567"), "+7\u{a0}903\u{a0}123-45-67");
        assert_eq!(phone("+7903"), "+7903");
        assert_eq!(phone("<b>"), "<b>");
    }
}
