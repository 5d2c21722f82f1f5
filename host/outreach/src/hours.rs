//! When people may be written to, on the clinic's clock.

use desk::{Minute, Span};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Whether now is such a time.
pub(crate) fn within(hours: Span, zone: &TimeZone, now: Timestamp) -> bool {
    hours.contains(Minute::from(zone.to_datetime(now).time()))
}

/// The first such moment at or after `wanted`. None where the calendar ends.
pub(crate) fn next_within(hours: Span, zone: &TimeZone, wanted: Timestamp) -> Option<Timestamp> {
    if within(hours, zone, wanted) {
        return Some(wanted);
    }
    let mut day = zone.to_datetime(wanted).date();
    // A clock change can swallow a short span of one day, never of two.
    for _ in 0..4 {
        let opens = zone.to_ambiguous_timestamp(day.to_datetime(hours.opens.time())).compatible().ok()?;
        if opens >= wanted && within(hours, zone, opens) {
            return Some(opens);
        }
        day = day.tomorrow().ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_moment_is_allowed_and_not_before(at in 1_760_000_000i64..1_800_000_000, opens in 0u16..1430, len in 5u16..600) {
            let closes = (opens + len).min(1440);
            let hours = Span { opens: Minute::new(opens).unwrap(), closes: Minute::new(closes).unwrap() };
            for zone in ["Europe/Moscow", "Europe/Berlin", "America/St_Johns"] {
                let zone = TimeZone::get(zone).unwrap();
                let wanted = Timestamp::from_second(at).unwrap();
                let found = next_within(hours, &zone, wanted).unwrap();
                prop_assert!(found >= wanted && within(hours, &zone, found));
                prop_assert!(found.as_second() - at <= 2 * 86_400 + 3_600);
            }
        }
    }
}
