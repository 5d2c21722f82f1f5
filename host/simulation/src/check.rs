//! What must hold when the month is over.

use std::collections::BTreeMap;

use desk::Minute;
use jiff::Timestamp;
use records::{MessageState, Status};

use crate::Result;
use crate::world::World;

/// Everybody came to an end, and nothing happened that must not.
pub(crate) async fn check(world: &mut World) -> Result<()> {
    visits(world).await?;
    contacts(world).await?;
    messages(world).await?;
    feed(world).await?;
    if world.month.crm {
        world.both_systems().await?;
    }
    Ok(())
}

async fn visits(world: &mut World) -> Result<()> {
    let clinic = world.month.clinic.id.clone();
    let bookings = world.store.bookings(&clinic, 0, i64::MAX).await?;
    let mut taken: BTreeMap<String, Vec<(i64, i64, String)>> = BTreeMap::new();
    for booking in &bookings {
        *world.report.visits.entry(booking.status.as_str().to_owned()).or_default() += 1;
        if !matches!(booking.status, Status::Done | Status::Moved | Status::Cancelled | Status::NoShow) {
            world.report.broken.push(format!("visit {} was forgotten: {}", booking.visit, booking.status));
        }
        if booking.status.is_live() {
            let span = (booking.start_ms, booking.end_ms, booking.id.clone());
            taken.entry(booking.doctor.clone()).or_default().push(span);
        }
    }
    for (doctor, mut spans) in taken {
        spans.sort();
        for pair in spans.windows(2) {
            if let [(_, ends_ms, first), (begins_ms, _, second)] = pair
                && begins_ms < ends_ms
            {
                world.report.broken.push(format!("{doctor} was booked twice: {first} and {second}"));
            }
        }
    }
    // Of every visit one booking is its last.
    let mut lasting: BTreeMap<&str, u32> = BTreeMap::new();
    for booking in bookings.iter().filter(|booking| booking.status != Status::Moved) {
        *lasting.entry(&booking.visit).or_default() += 1;
    }
    for (visit, count) in lasting.iter().filter(|(_, count)| **count != 1) {
        world.report.broken.push(format!("visit {visit} has {count} ends"));
    }
    Ok(())
}

async fn contacts(world: &mut World) -> Result<()> {
    let clinic = world.month.clinic.id.clone();
    for contact in world.store.contacts_between(&clinic, 0, i64::MAX).await? {
        let word = match (&contact.merged_into, &contact.result) {
            (Some(_), _) => "joined another".to_owned(),
            (None, Some(result)) => result.clone(),
            (None, None) => "closed by itself".to_owned(),
        };
        *world.report.contacts.entry(word).or_default() += 1;
        world.report.late += u32::from(contact.late_ms.is_some());
    }
    for contact in world.store.contacts(&clinic).await? {
        world.report.broken.push(format!("nobody came to an end with {} ({:?})", contact.id, contact.kind));
    }
    Ok(())
}

async fn messages(world: &mut World) -> Result<()> {
    let clinic = world.month.clinic.clone();
    let delivered = world.beyond.delivered();
    let mut by_message: BTreeMap<&str, u32> = BTreeMap::new();
    for one in &delivered {
        *by_message.entry(&one.message).or_default() += 1;
    }
    for (message, count) in by_message.iter().filter(|(_, count)| **count > 1) {
        world.report.broken.push(format!("message {message} was sent {count} times"));
    }
    let mut by_step: BTreeMap<(String, String, i64), u32> = BTreeMap::new();
    for message in world.store.messages(&clinic.id, 0, i64::MAX).await? {
        *world.report.messages.entry(message.state.as_str().to_owned()).or_default() += 1;
        if matches!(message.state, MessageState::Planned | MessageState::Sending) {
            world.report.broken.push(format!("message {} never came to an end: {}", message.new.id, message.state));
        }
        let Some(sent) = delivered.iter().find(|one| one.message == message.new.id) else { continue };
        let Some(about) = &message.new.about else { continue };
        if sent.at_ms >= about.start_ms {
            world.report.broken.push(format!("message {} came after the visit began", message.new.id));
        }
        *by_step.entry((about.visit.clone(), message.new.step.clone(), about.start_ms)).or_default() += 1;
        let local = Timestamp::from_millisecond(sent.at_ms).map(|at| clinic.local(at));
        // A clock that is off by minutes may be wrong about the last ones.
        let in_hours = |at: jiff::civil::DateTime| {
            let minute = Minute::from(at.time()).get();
            let (opens, closes) = (clinic.reminders.hours.opens.get(), clinic.reminders.hours.closes.get());
            (opens.saturating_sub(5)..closes + 5).contains(&minute)
        };
        if !local.is_ok_and(in_hours) {
            let channel = sent.channel;
            world.report.broken.push(format!("message {} ({channel}) disturbed somebody at night", message.new.id));
        }
    }
    for ((visit, step, _), count) in by_step.iter().filter(|(_, count)| **count > 1) {
        world.report.broken.push(format!("visit {visit}: {step} was said {count} times"));
    }
    Ok(())
}

async fn feed(world: &mut World) -> Result<()> {
    let mut after = 0;
    loop {
        let events = world.store.feed(after, None, 1_000).await?;
        let Some(last) = events.last() else { return Ok(()) };
        for (event, expected) in events.iter().zip(after + 1..) {
            if event.position != expected {
                world.report.broken.push(format!("the feed has a gap at {expected}"));
            }
        }
        after = last.position;
    }
}
