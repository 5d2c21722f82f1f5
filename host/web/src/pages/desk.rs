//! What every page knows: the clinic it is about, who looks, in which language and colours.

use std::sync::Arc;

use ::desk::Clinic;
use axum::Router;
use axum::extract::{FromRequestParts, Query, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use reports::Lang;

use super::words::{EN, RU, Words};
use crate::auth::{Permission, Via, Viewer};
use crate::{AppState, Problem};

/// A page of one clinic, as somebody asked for it: `/desk/{clinic}/…`.
pub(crate) struct Desk {
    pub(crate) state: AppState,
    pub(crate) clinic: Arc<Clinic>,
    pub(crate) lang: Lang,
    /// `light`, `dark`; none: as the machine is set.
    pub(crate) theme: Option<&'static str>,
    /// Who looks.
    pub(crate) viewer: Viewer,
    /// Where the page lies, to come back to.
    pub(crate) here: String,
    /// The clinics they may choose from.
    pub(crate) clinics: Vec<Arc<Clinic>>,
}

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk", get(first)).route("/desk/prefs", get(prefs)).route("/desk/{clinic}", get(start))
}

/// To the clinic they chose, or the first they know.
async fn first(State(state): State<AppState>, viewer: Viewer) -> Result<Redirect, Problem> {
    // Nothing is set up yet: the owner is led there.
    if state.clinics.is_empty() && viewer.may(crate::auth::EVERY_CLINIC, Permission::ManageClinic) {
        return Ok(Redirect::to("/desk/new"));
    }
    let known = state.clinics.keys().find(|clinic| viewer.knows(clinic));
    let clinic = viewer.clinic.as_ref().or(known).ok_or_else(|| Problem::unknown_clinic([""; 0]))?;
    Ok(Redirect::to(&format!("/desk/{clinic}")))
}

/// To what somebody looks at first: the day, or, without calls, the visits.
async fn start(desk: Desk) -> Redirect {
    let page = match () {
        () if desk.may(Permission::SeeCalls) => "today",
        () if desk.may(Permission::SeeVisits) => "visits",
        () if desk.may(Permission::SeeReport) => "report",
        () => "clinic",
    };
    Redirect::to(&desk.path(page))
}

/// Language and colours: kept in the browser, for a year.
async fn prefs(headers: HeaderMap, Query(asked): Query<Vec<(String, String)>>) -> Response {
    let get = |name: &str| asked.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str());
    // Only to a page of ours: a link must not lead away.
    let back = get("back").filter(|back| back.starts_with("/desk/") && !back.contains("\\") && !back.contains("//"));
    let mut response = Redirect::to(back.unwrap_or("/desk")).into_response();
    let secure = if headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https") { "; Secure" } else { "" };
    for (name, allowed) in [("lang", &["ru", "en"][..]), ("theme", &["light", "dark", "auto"][..])] {
        let Some(value) = get(name).filter(|value| allowed.contains(value)) else { continue };
        let cookie = format!("gudok_{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// The language, where this browser chose.
pub(crate) fn chosen_language(headers: &HeaderMap) -> Option<Lang> {
    cookie(headers, "gudok_lang")?.parse().ok()
}

/// Light or dark, where this browser chose.
pub(crate) fn theme_of(headers: &HeaderMap) -> Option<&'static str> {
    let chosen = cookie(headers, "gudok_theme")?;
    ["light", "dark"].into_iter().find(|known| *known == chosen)
}

impl FromRequestParts<AppState> for Desk {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Problem::no_such_page())?;
        let id = params.iter().find(|param| param.0 == "clinic").map_or("", |param| param.1);
        // A clinic in which they may do nothing does not exist for them.
        let unknown = || Problem::unknown_clinic(state.clinics.keys().filter(|known| viewer.knows(known)));
        let clinic = state.clinics.get(id).filter(|clinic| viewer.knows(&clinic.id)).ok_or_else(unknown)?;
        let lang = chosen_language(&parts.headers).unwrap_or_else(|| viewer.language.parse().unwrap_or_default());
        let theme = theme_of(&parts.headers);
        let here = parts.uri.path_and_query().map_or("/desk", |here| here.as_str()).to_owned();
        let clinics = state.clinics.values().filter(|clinic| viewer.knows(&clinic.id)).cloned().collect();
        Ok(Self { state: state.clone(), clinic: Arc::clone(clinic), lang, theme, viewer, here, clinics })
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

impl Desk {
    /// The texts in the page's language.
    pub(crate) fn words(&self) -> &'static Words {
        match self.lang {
            Lang::Ru => &RU,
            Lang::En => &EN,
        }
    }

    /// The address of a page of this clinic.
    pub(crate) fn path(&self, page: &str) -> String {
        format!("/desk/{}/{page}", self.clinic.id)
    }

    /// Whether whoever looks may do this here.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.viewer.may(&self.clinic.id, permission)
    }

    /// Goes on only if they may.
    ///
    /// # Errors
    /// 403 for what they may not do at this clinic.
    pub(crate) fn check(&self, permission: Permission) -> Result<(), Problem> {
        self.viewer.check(&self.state, &self.clinic.id, permission)
    }

    /// Notes in the audit that they did or saw this.
    pub(crate) async fn witness(&self, action: &str, kind: &str, subject: &str) -> Result<(), Problem> {
        self.state.witness(self.viewer.who(), &self.clinic.id, action, kind, subject).await
    }

    /// The clinic's schedule.
    pub(crate) fn schedule(&self) -> ::desk::Desk {
        self.state.desk(&self.clinic)
    }

    /// Whoever looks, as the one who does something in the schedule.
    pub(crate) fn hand(&self) -> ::desk::Hand<'_> {
        ::desk::Hand::person(self.by(), self.now())
    }

    /// Their name, as it stands in histories.
    pub(crate) fn by(&self) -> &str {
        self.viewer.by()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.state.now)()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Today on the clinic's calendar.
    pub(crate) fn today(&self) -> Date {
        self.local(self.now_ms()).date()
    }

    /// A moment on the clinic's wall clock.
    pub(crate) fn local(&self, ms: i64) -> DateTime {
        self.clinic.local(Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// `14:05`.
    pub(crate) fn clock(&self, ms: i64) -> String {
        let at = self.local(ms);
        format!("{:02}:{:02}", at.hour(), at.minute())
    }

    /// `сегодня, 14:05`, `вчера, 9:30`, `16 ноя, 14:05`; the year only when it is another.
    pub(crate) fn moment(&self, ms: i64) -> String {
        format!("{}, {}", self.day_name(self.local(ms).date()), self.clock(ms))
    }

    /// `сегодня`, `вчера`, `16 ноя`, `16 ноя 2025`.
    pub(crate) fn day_name(&self, day: Date) -> String {
        let (today, words) = (self.today(), self.words());
        let months = self.lang.pick(&MONTHS_RU, &MONTHS_EN);
        let name = format!("{} {}", day.day(), months[usize::from(day.month().unsigned_abs()) - 1]);
        match (today - day).get_days() {
            0 => words.today_small.to_owned(),
            1 => words.yesterday.to_owned(),
            _ if day.year() == today.year() => name,
            _ => format!("{name} {}", day.year()),
        }
    }

    /// What a form sent, if it carries the token.
    ///
    /// # Errors
    /// A form of another site, or one that was open since before the last sign-in.
    pub(crate) fn read(&self, fields: Vec<(String, String)>) -> Result<Fields, Problem> {
        let fields = Fields(fields);
        // The door has looked already; a page that is served without it must not be less careful.
        let by_token = matches!(self.viewer.via, Via::Token { .. });
        if by_token || fields.get("csrf").is_some_and(|word| word == self.viewer.csrf) {
            return Ok(fields);
        }
        Err(Problem::no_word())
    }

    /// Where a form leads when it is done: back to the page it stood on, or to `other`.
    pub(crate) fn back(&self, fields: &Fields, other: &str) -> Redirect {
        let prefix = self.path("");
        let back = fields.get("back").filter(|back| back.starts_with(&prefix) && !back.contains('\\'));
        Redirect::to(back.unwrap_or(other))
    }
}

/// What a form sent.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// What stands in an address: read only, so it needs no token.
    pub(crate) fn new(asked: Vec<(String, String)>) -> Self {
        Self(asked)
    }

    /// None when it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|pair| pair.0 == name).map(|pair| pair.1.trim());
        found.filter(|value| !value.is_empty())
    }

    /// Everything under a name that may stand there several times.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |pair| pair.0 == name).map(|pair| pair.1.trim())
    }
}

const MONTHS_RU: [&str; 12] = ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];
const MONTHS_EN: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("xgudok_lang=ru; gudok_lang=en; gudok_langs=de"));
        assert_eq!(cookie(&headers, "gudok_lang"), Some("en"));
        assert_eq!(cookie(&headers, "gudok"), None);
    }
}
