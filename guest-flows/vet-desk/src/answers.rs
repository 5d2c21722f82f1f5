//! Questions: from the FAQ where an entry is about what was asked, else from what the clinic says of itself.

use gudok_flow::notes::{self, Outcome};
use gudok_flow::understanding::{Intent, IntentKind, Offered};
use gudok_flow::{Stop, clinic, faq, say};

use crate::desk::Desk;
use crate::facts::Fact;

/// Answer a question; `false` when there is no answer.
pub fn answer(desk: &Desk, text: &str, intent: &Intent) -> Result<bool, Stop> {
    let reply = match intent.kind {
        IntentKind::Price => price(intent).or_else(|| from_faq(text)),
        IntentKind::Hours => about(&Fact::HOURS, text).or_else(|| Some(desk.opening())),
        IntentKind::Address => about(&Fact::ADDRESS, text).or_else(|| address(desk)),
        _ => from_faq(text),
    };
    let Some(reply) = reply else { return Ok(false) };
    say(&reply)?;
    notes::tag("target")?;
    notes::set_outcome(Outcome::Answered)?;
    Ok(true)
}

/// What the clinic does not do, said kindly; `false` when everything that was named is done here.
pub fn not_offered(intent: &Intent) -> Result<bool, Stop> {
    let absent: Vec<_> = intent.services.iter().filter(|s| s.offered == Offered::Absent).collect();
    let any_offered = intent.services.iter().any(|s| s.offered == Offered::Offered);
    let Some(first) = absent.first().filter(|_| !any_offered) else { return Ok(false) };
    say(&format!("К сожалению, такой услуги у нас нет: {}.", first.name))?;
    notes::tag("not_our_service")?;
    notes::note("not-offered", &first.name)?;
    notes::set_outcome(Outcome::NotOffered)?;
    Ok(true)
}

fn from_faq(text: &str) -> Option<String> {
    let hits = faq::find(text).ok()?;
    let answers: Vec<String> = hits.into_iter().take(2).map(|hit| hit.entry.answer).collect();
    (!answers.is_empty()).then(|| answers.join(" "))
}

/// The FAQ's answer, when its entry is about this fact and not about something that only happens to be somewhere.
fn about(fact: &Fact, text: &str) -> Option<String> {
    let hits = faq::find(text).ok()?;
    let about =
        hits.into_iter().filter(|hit| fact.told_by(text, &hit.entry.question, &hit.entry.answer, hit.confidence));
    let answers: Vec<String> = about.take(2).map(|hit| hit.entry.answer).collect();
    (!answers.is_empty()).then(|| answers.join(" "))
}

fn price(intent: &Intent) -> Option<String> {
    let wanted = intent.services.iter().find_map(|s| s.service_id.as_ref())?;
    let service = clinic::services().into_iter().find(|service| &service.id == wanted)?;
    let price = service.price?;
    let amount = match price.minor % 100 {
        0 => format!("{} руб.", price.minor / 100),
        kopecks => format!("{},{kopecks:02} руб.", price.minor / 100),
    };
    Some(format!("{}: от {amount}", service.name))
}

fn address(desk: &Desk) -> Option<String> {
    let address = &desk.clinic.address;
    (!address.is_empty()).then(|| format!("Наш адрес: {address}."))
}
