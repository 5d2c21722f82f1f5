//! Session timers (RFC 4028): what the two sides agree on. No clock in here.

use std::time::Duration;

use rsipstack::sip::{Header, Headers};

use crate::header::{self, field, has_token, value};

/// An agreed session interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionTimer {
    pub interval: Duration,
    /// We send the refreshes.
    pub ours: bool,
}

impl SessionTimer {
    /// When to act after the last refresh: half the interval for the refresher, and for the other side the end of the
    /// interval less a third of it, at most 32 s (§10).
    pub(crate) fn act_after(&self) -> Duration {
        match self.ours {
            true => self.interval / 2,
            false => self.interval - (self.interval / 3).min(Duration::from_secs(32)),
        }
    }
}

/// What we want.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub interval: Option<Duration>,
    pub minimum: Duration,
}

/// A request wants too short an interval: 422 with our Min-SE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooBrief;

impl Wish {
    /// Headers of a request of ours. `minimum` is what a 422 taught us. A refresh names who has been refreshing.
    pub(crate) fn request_headers(&self, minimum: Option<Duration>, current: Option<SessionTimer>) -> Vec<Header> {
        let Some(interval) = current.map(|t| t.interval).or(self.interval) else { return Vec::new() };
        let minimum = minimum.unwrap_or(self.minimum).max(self.minimum);
        // The one who sends a request is the client of it, whoever began the call.
        let refresher = match current {
            None => "",
            Some(t) if t.ours => ";refresher=uac",
            Some(_) => ";refresher=uas",
        };
        vec![
            field("Session-Expires", format!("{}{refresher}", interval.max(minimum).as_secs())),
            field("Min-SE", minimum.as_secs().to_string()),
        ]
    }

    /// What a request of theirs leads to, and the headers of our 2xx.
    pub(crate) fn as_server(&self, request: &Headers) -> Result<(Option<SessionTimer>, Vec<Header>), TooBrief> {
        let knows = has_token(request, "Supported", "timer") || has_token(request, "Require", "timer");
        let asked = value(request, "Session-Expires");
        let interval = match asked.and_then(header::seconds).map(Duration::from_secs) {
            Some(theirs) if theirs < self.minimum && knows => return Err(TooBrief),
            // A proxy asked on behalf of a phone that knows nothing of timers: raise instead (erratum 1687).
            Some(theirs) => theirs.max(self.minimum),
            None => match self.interval.filter(|_| knows) {
                Some(ours) => {
                    let least = value(request, "Min-SE").and_then(header::seconds).unwrap_or(0);
                    ours.max(Duration::from_secs(least))
                }
                None => return Ok((None, Vec::new())),
            },
        };
        // Let the caller refresh when it can and does not ask otherwise.
        let ours = match asked.and_then(|a| header::parameter(a, "refresher")) {
            Some(r) => r.eq_ignore_ascii_case("uas"),
            None => !knows,
        };
        let refresher = if ours { "uas" } else { "uac" };
        let mut headers = vec![field("Session-Expires", format!("{};refresher={refresher}", interval.as_secs()))];
        if !ours {
            headers.push(field("Require", "timer"));
        }
        Ok((Some(SessionTimer { interval, ours }), headers))
    }

    /// What a 2xx to a request of ours agreed to.
    pub(crate) fn as_client(&self, response: &Headers) -> Option<SessionTimer> {
        let agreed = value(response, "Session-Expires")?;
        let interval = Duration::from_secs(header::seconds(agreed)?).max(self.minimum);
        // Without a word it is the client: us.
        let ours = header::parameter(agreed, "refresher").is_none_or(|r| !r.eq_ignore_ascii_case("uas"));
        Some(SessionTimer { interval, ours })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Wish = Wish { interval: Some(Duration::from_secs(1800)), minimum: Duration::from_secs(90) };

    fn headers(fields: &[(&str, &str)]) -> Headers {
        Headers(fields.iter().map(|(n, v)| field(n, *v)).collect())
    }

    fn served(fields: &[(&str, &str)]) -> Result<Option<(u64, bool)>, TooBrief> {
        WISH.as_server(&headers(fields)).map(|(t, _)| t.map(|t| (t.interval.as_secs(), t.ours)))
    }

    #[test]
    fn a_caller_is_served_by_the_table_of_the_rfc() {
        assert_eq!(served(&[]), Ok(None));
        assert_eq!(served(&[("Supported", "timer")]), Ok(Some((1800, false))));
        assert_eq!(served(&[("Supported", "timer"), ("Session-Expires", "60")]), Err(TooBrief));
        assert_eq!(served(&[("Session-Expires", "60")]), Ok(Some((90, true))), "raised, and we refresh");
        let asked = [("Supported", "timer"), ("Session-Expires", "600;refresher=uas")];
        assert_eq!(served(&asked), Ok(Some((600, true))));
        let with_minimum = [("Supported", "100rel, timer"), ("Min-SE", "3600")];
        assert_eq!(served(&with_minimum), Ok(Some((3600, false))));
    }

    #[test]
    fn an_answer_says_who_refreshes() {
        let read =
            |v: &str| WISH.as_client(&headers(&[("Session-Expires", v)])).map(|t| (t.interval.as_secs(), t.ours));
        assert_eq!(read("1800;refresher=uas"), Some((1800, false)));
        assert_eq!(read("1800;refresher=uac"), Some((1800, true)));
        assert_eq!(read("1800"), Some((1800, true)));
        assert_eq!(WISH.as_client(&headers(&[])), None);
    }

    #[test]
    fn the_times_are_those_of_section_10() {
        let after = |s, ours| SessionTimer { interval: Duration::from_secs(s), ours }.act_after().as_secs();
        assert_eq!((after(1800, true), after(1800, false), after(90, false)), (900, 1768, 60));
    }

    #[test]
    fn a_refresh_keeps_the_roles() {
        let say = |ours| {
            let current = SessionTimer { interval: Duration::from_secs(600), ours };
            WISH.request_headers(None, Some(current))[0].value().to_string()
        };
        assert_eq!((say(true).as_str(), say(false).as_str()), ("600;refresher=uac", "600;refresher=uas"));
        assert_eq!(WISH.request_headers(Some(Duration::from_secs(3600)), None)[0].value(), "3600");
    }
}
