//! When people call: Monday mornings most, nights hardly.

use desk::Clinic;
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::dice::Dice;
use crate::{Result, SimulationError};

/// Of a hundred calls so many come when the clinic is closed.
const AT_NIGHT: u32 = 7;

/// Moments (unix milliseconds) at which something comes in, spread over the days as calls are; in order.
pub(crate) fn moments(clinic: &Clinic, from: Date, days: u16, count: u32, dice: &mut Dice) -> Result<Vec<i64>> {
    let mut open = Vec::new();
    let mut closed = Vec::new();
    for ahead in 0..days {
        let date = from.checked_add(i64::from(ahead).days()).map_err(|_| SimulationError::Calendar(from))?;
        for hour in 0..24 {
            let at = date.at(hour, 0, 0, 0);
            let Ok(at) = clinic.zone.to_timestamp(at) else { continue };
            if clinic.is_open(at) {
                open.push((weight(date.weekday(), hour), at.as_millisecond()));
            } else {
                closed.push((if (7..23).contains(&hour) { 4 } else { 1 }, at.as_millisecond()));
            }
        }
    }
    if open.is_empty() {
        return Err(SimulationError::Closed { clinic: clinic.id.clone(), from, days });
    }
    let mut moments = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let hours = if !closed.is_empty() && dice.percent(AT_NIGHT) { &closed } else { &open };
        if let Some(hour) = dice.weighed(hours) {
            moments.push(hour + dice.between(0, 3_600_000));
        }
    }
    moments.sort_unstable();
    Ok(moments)
}

fn weight(weekday: Weekday, hour: i8) -> u32 {
    let day = match weekday {
        Weekday::Monday => 16,
        Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday => 11,
        Weekday::Friday => 10,
        Weekday::Saturday => 8,
        Weekday::Sunday => 5,
    };
    let hour = match hour {
        9..=11 => 10,
        12..=13 => 7,
        14..=17 => 6,
        18..=19 => 7,
        _ => 3,
    };
    day * hour
}
