//! Small things of the page that need no database.

use super::chart::{Tone, bar, strip};

#[test]
fn bars_never_leave_their_box_and_never_vanish() {
    assert!(bar(1, None, 1_000_000, Tone::Non).into_string().contains(r#"width="4""#));
    assert!(bar(5, Some(5), 5, Tone::Non).into_string().contains(r#"x="993""#));
    assert!(!bar(0, Some(0), 0, Tone::Non).into_string().contains("NaN"));
}

#[test]
fn a_strip_is_filled_to_its_end() {
    let drawn = strip(&[(1, Tone::Target), (1, Tone::Non), (1, Tone::None)], "a & b").into_string();
    assert!(drawn.contains(r#"x="6666" width="3334""#), "{drawn}");
    assert!(drawn.contains("a &amp; b"));
}
