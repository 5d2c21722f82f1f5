//! What the portal sends by itself when a deal changes (an outgoing webhook, or a handler of `ONCRMDEALUPDATE`).

use super::form::decode;
use crate::{ConnectionError, Secret};

/// The id of the deal that a message is about; none for a message about something else. The message is a form:
/// `event=ONCRMDEALUPDATE&data[FIELDS][ID]=759&auth[application_token]=…`.
///
/// # Errors
/// [`ConnectionError::WrongToken`] unless it carries the portal's token; [`ConnectionError::BadMessage`] when it names no
/// deal.
pub fn deal_of_message(body: &str, token: &Secret) -> Result<Option<String>, ConnectionError> {
    let message = decode(body);
    let given = message["auth"]["application_token"].as_str().unwrap_or_default();
    if !same(given.as_bytes(), token.expose().as_bytes()) {
        return Err(ConnectionError::WrongToken);
    }
    let event = message["event"].as_str().unwrap_or_default().to_uppercase();
    if !event.starts_with("ONCRMDEAL") {
        return Ok(None);
    }
    let id = message["data"]["FIELDS"]["ID"].as_str().unwrap_or_default();
    if id.is_empty() || id.len() > 18 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ConnectionError::BadMessage("data[FIELDS][ID] is not the number of a deal"));
    }
    Ok(Some(id.to_owned()))
}

/// Takes as long for a wrong token as for the right one.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let differing = given.iter().zip(expected).fold(0, |differing, (a, b)| differing | (a ^ b));
    given.len() == expected.len() && differing == 0 && !expected.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "51856fefc120afa4b628cc82d3935cce";

    #[test]
    fn only_the_portals_own_messages_count() {
        let token = Secret::from(TOKEN.to_owned());
        let message = |token: &str, event: &str, id: &str| {
            format!("event={event}&data%5BFIELDS%5D%5BID%5D={id}&ts=1736405807&auth%5Bapplication_token%5D={token}")
        };
        let read = |text: String| deal_of_message(&text, &token);
        assert_eq!(read(message(TOKEN, "ONCRMDEALUPDATE", "759")).unwrap().as_deref(), Some("759"));
        assert_eq!(read(message(TOKEN, "ONTASKUPDATE", "759")).unwrap(), None);
        for wrong in ["", "51856fefc120afa4b628cc82d3935ccf", "5"] {
            let refused = read(message(wrong, "ONCRMDEALUPDATE", "759"));
            assert!(matches!(refused, Err(ConnectionError::WrongToken)), "{wrong}");
        }
        for wrong in ["", "7x", "../9", "9999999999999999999"] {
            let refused = read(message(TOKEN, "ONCRMDEALUPDATE", wrong));
            assert!(matches!(refused, Err(ConnectionError::BadMessage(_))), "{wrong}");
        }
    }
}
