//! What a call is answered with: TwiML that connects it to a stream.

use std::fmt::Write as _;

/// Connects the call to `stream` (a `wss:` address) with these parameters, and hangs up when the stream ends.
pub fn connect(stream: &str, parameters: &[(&str, &str)]) -> String {
    let mut twiml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"");
    twiml.push_str(&escaped(stream));
    twiml.push_str("\">");
    for (name, value) in parameters {
        let (name, value) = (escaped(name), escaped(value));
        write!(twiml, "<Parameter name=\"{name}\" value=\"{value}\"/>").expect("invariant: a string takes everything");
    }
    twiml.push_str("</Stream></Connect></Response>");
    twiml
}

/// There is no room: the provider hears «busy» and may try another number.
pub fn busy() -> &'static str {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Reject reason=\"busy\"/></Response>"
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write control characters.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_stays_a_value() {
        assert_eq!(
            connect("wss://a.example/s", &[("caller", "\"/><Hangup/>&\u{1}")]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"wss://a.example/s\">\
             <Parameter name=\"caller\" value=\"&quot;/&gt;&lt;Hangup/&gt;&amp; \"/></Stream></Connect></Response>"
        );
    }
}
