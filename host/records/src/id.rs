//! Row ids.

use std::fmt::Write;

/// A new id: UUID version 7 (RFC 9562 §5.7: 48 bits of unix milliseconds, then random), so that rows written one after
/// another lie one after another in the index.
///
/// ```
/// let (a, b) = (records::id(), records::id());
/// assert_eq!(a.len(), 36);
/// assert_ne!(a, b);
/// ```
pub fn id() -> String {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).expect("invariant: the operating system has randomness");
    let ms = jiff::Timestamp::now().as_millisecond() as u64;
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("invariant: writing to a String does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_a_version_7_uuid_that_sorts_by_time() {
        let id = super::id();
        assert_eq!(&id[14..15], "7", "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
        let ms = u64::from_str_radix(&id[..13].replace('-', ""), 16).unwrap();
        assert!(ms > 1_700_000_000_000);
    }
}
