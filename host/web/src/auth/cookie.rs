//! The cookie of a session: out of reach of scripts, sent by our own pages and by links to us, never by other sites' forms.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};

/// `__Host-` binds a cookie to this very host and to encryption: browsers take it on no other terms.
fn name(what: &str, secure: bool) -> String {
    format!("{}{what}", if secure { "__Host-" } else { "" })
}

/// The session's.
const SESSION: &str = "gudok";

/// The secret that the browser shows.
pub(super) fn read(headers: &HeaderMap, secure: bool) -> Option<&str> {
    read_for(headers, SESSION, secure)
}

/// The same for another cookie of ours.
pub(super) fn read_for<'a>(headers: &'a HeaderMap, what: &str, secure: bool) -> Option<&'a str> {
    let name = name(what, secure);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Gives the browser a secret, until it is closed or told otherwise; an empty one is taken away.
pub(super) fn write(headers: &mut HeaderMap, secret: &str, secure: bool) {
    write_for(headers, SESSION, secret, secure);
}

/// The same for another cookie of ours.
pub(super) fn write_for(headers: &mut HeaderMap, what: &str, secret: &str, secure: bool) {
    let mut text = format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax", name(what, secure));
    if secure {
        text.push_str("; Secure");
    }
    if secret.is_empty() {
        text.push_str("; Max-Age=0");
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_comes_back_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=b; __Host-gudok=secret; gudok=other"));
        assert_eq!(read(&headers, true), Some("secret"));
        assert_eq!(read(&headers, false), Some("other"));
        assert_eq!(read(&HeaderMap::new(), false), None);
    }

    #[test]
    fn it_is_out_of_reach() {
        let mut headers = HeaderMap::new();
        write(&mut headers, "x", true);
        let text = headers[SET_COOKIE].to_str().unwrap();
        assert_eq!(text, "__Host-gudok=x; Path=/; HttpOnly; SameSite=Lax; Secure");
    }
}
