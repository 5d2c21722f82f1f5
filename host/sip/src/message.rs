//! Building requests and responses.

use rsipstack::sip::{Header, Headers, Method, Request, Response, StatusCode, Version};
use rsipstack::transaction::random_text;

use crate::error::SipError;
use crate::header::{self, field, value};
use crate::transport::Path;

/// What we accept, in every answer that is asked for it.
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, REGISTER";
/// Extensions we understand.
pub(crate) const SUPPORTED: [&str; 4] = ["100rel", "timer", "norefersub", "replaces"];

/// A request about to be sent.
pub(crate) struct Draft<'a> {
    pub method: Method,
    pub uri: &'a str,
    /// With tag.
    pub from: &'a str,
    /// With tag, once there is one.
    pub to: &'a str,
    pub call_id: &'a str,
    pub seq: u32,
    pub routes: &'a [String],
    /// Our Contact, for requests that carry one.
    pub contact: Option<String>,
    pub user_agent: &'a str,
    pub extra: Vec<Header>,
    /// Content type and body.
    pub body: Option<(&'a str, &'a str)>,
}

impl Draft<'_> {
    /// The request, with a fresh branch.
    pub(crate) fn build(self, path: &Path) -> Result<Request, SipError> {
        let mut headers = vec![
            field("Via", via(path)),
            field("Max-Forwards", "70"),
            field("From", self.from),
            field("To", self.to),
            field("Call-ID", self.call_id),
            field("CSeq", format!("{} {}", self.seq, self.method)),
        ];
        headers.extend(self.contact.map(|c| field("Contact", c)));
        headers.extend(self.routes.iter().map(|r| field("Route", r.as_str())));
        headers.push(field("User-Agent", self.user_agent));
        headers.extend(self.extra);
        let body = self.body.map(|(kind, body)| {
            headers.push(field("Content-Type", kind));
            body.as_bytes().to_vec()
        });
        let body = body.unwrap_or_default();
        headers.push(field("Content-Length", body.len().to_string()));
        Ok(Request {
            method: self.method,
            uri: header::uri(self.uri)?,
            version: Version::V2,
            headers: Headers(headers),
            body,
        })
    }
}

/// A Via of ours; `rport` asks the peer to tell us how it sees us (RFC 3581).
pub(crate) fn via(path: &Path) -> String {
    format!("SIP/2.0/{} {};branch=z9hG4bK{};rport", path.via_transport(), path.face, random_text(20))
}

/// `<sip:user@address;transport=x>`
pub(crate) fn contact(user: &str, path: &Path) -> String {
    let at = if user.is_empty() { String::new() } else { format!("{}@", header::escape_user(user)) };
    format!("<sip:{at}{}{}>", path.face, path.transport_parameter())
}

/// A response to a request. `tag` is put into To when it has none and the response is final or makes a dialog.
pub(crate) fn response(request: &Request, status: u16, tag: &str, server: &str, extra: Vec<Header>) -> Response {
    let mut headers = Vec::with_capacity(10 + extra.len());
    for h in request.headers.iter() {
        match h {
            Header::Via(_) | Header::From(_) | Header::CallId(_) | Header::CSeq(_) => headers.push(h.clone()),
            // Only answers that establish or confirm a dialog mirror the route (RFC 3261 §12.1.1).
            Header::RecordRoute(_) if (101..300).contains(&status) => headers.push(h.clone()),
            Header::Timestamp(_) if status == 100 => headers.push(h.clone()),
            Header::To(to) => {
                let tagged = header::NameAddr::parse(to.value()).is_some_and(|a| a.param("tag").is_some());
                headers.push(match tagged || status == 100 {
                    true => h.clone(),
                    false => field("To", format!("{};tag={tag}", to.value().trim())),
                });
            }
            _ => {}
        }
    }
    headers.push(field("Server", server));
    headers.extend(extra);
    headers.push(field("Content-Length", "0"));
    Response {
        status_code: StatusCode::from(status),
        wire_reason: None,
        version: Version::V2,
        headers: Headers(headers),
        body: Vec::new(),
    }
}

/// Gives a response a body.
pub(crate) fn with_body(mut response: Response, kind: &str, body: &str) -> Response {
    response.headers.retain(|h| !matches!(h, Header::ContentLength(_)));
    response.headers.push(field("Content-Type", kind));
    response.headers.push(field("Content-Length", body.len().to_string()));
    response.body = body.as_bytes().to_vec();
    response
}

/// The session description of a message: its body, or the part of a multipart body that is one.
pub(crate) fn description(headers: &Headers, body: &[u8]) -> Result<Option<String>, Unusable> {
    if body.is_empty() {
        return Ok(None);
    }
    let kind = value(headers, "Content-Type").unwrap_or("application/sdp");
    let name = kind.split(';').next().unwrap_or(kind).trim().to_ascii_lowercase();
    let plain = value(headers, "Content-Encoding").is_none_or(|e| e.eq_ignore_ascii_case("identity"));
    if !plain {
        return Err(Unusable);
    }
    let text = std::str::from_utf8(body).map_err(|_| Unusable)?;
    match name.as_str() {
        "application/sdp" => Ok(Some(text.to_string())),
        "multipart/mixed" | "multipart/alternative" => {
            let boundary = header::parameter(kind, "boundary").ok_or(Unusable)?;
            sdp_part(text, boundary).map(Some).ok_or(Unusable)
        }
        _ => Err(Unusable),
    }
}

/// A body of a kind or encoding we do not understand: 415.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusable;

fn sdp_part(text: &str, boundary: &str) -> Option<String> {
    let mark = format!("--{boundary}");
    text.split(mark.as_str()).skip(1).find_map(|part| {
        let (head, body) = part.split_once("\r\n\r\n")?;
        let is_sdp = head.lines().any(|l| {
            let l = l.to_ascii_lowercase();
            l.starts_with("content-type:") && l.contains("application/sdp")
        });
        is_sdp.then(|| format!("{}\r\n", body.trim_end()))
    })
}

/// Number and method of CSeq.
pub(crate) fn cseq(headers: &Headers) -> Option<(u32, &str)> {
    let (number, method) = value(headers, "CSeq")?.split_once(char::is_whitespace)?;
    Some((number.parse().ok()?, method.trim()))
}

/// A tag of From or To.
pub(crate) fn tag(headers: &Headers, name: &str) -> Option<String> {
    header::NameAddr::parse(value(headers, name)?)?.param("tag").filter(|t| !t.is_empty()).map(str::to_string)
}

/// The words of a response.
pub(crate) fn reason(response: &Response) -> String {
    response.wire_reason.clone().unwrap_or_else(|| response.status_code.text().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_found_in_a_multipart_body() {
        let headers = Headers(vec![field("Content-Type", "multipart/mixed; boundary=\"b1\"")]);
        let body = "--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n--b1--\r\n";
        assert_eq!(description(&headers, body.as_bytes()), Ok(Some("v=0\r\ns=-\r\n".into())));
        let other = Headers(vec![field("Content-Type", "application/isup")]);
        assert_eq!(description(&other, b"x"), Err(Unusable));
        assert_eq!(description(&other, b""), Ok(None));
    }

    #[test]
    fn responses_mirror_what_they_must() {
        let request = Request::try_from(
            "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\n\
             Record-Route: <sip:p;lr>\r\nFrom: <sip:2@h>;tag=f\r\nTo: <sip:1@h>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n\
             Content-Length: 0\r\n\r\n",
        )
        .unwrap();
        let ok = response(&request, 200, "mine", "x", vec![]);
        assert_eq!(header::values(&ok.headers, "Via").count(), 2);
        assert_eq!((tag(&ok.headers, "To").as_deref(), cseq(&ok.headers)), (Some("mine"), Some((7, "INVITE"))));
        assert!(value(&ok.headers, "Record-Route").is_some());
        let busy = response(&request, 486, "mine", "x", vec![]);
        assert!(value(&busy.headers, "Record-Route").is_none());
        assert_eq!(tag(&response(&request, 100, "mine", "x", vec![]).headers, "To"), None);
    }
}
