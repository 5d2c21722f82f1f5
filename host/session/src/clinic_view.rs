//! The clinic, in the words of the flow interface.

use desk::{Clinic, Kind};
use flows::host::appointments as wit;
use flows::host::{Money, clinic, faq};
use jiff::civil::Date;

/// Who the clinic is.
pub fn info(clinic: &Clinic) -> clinic::ClinicInfo {
    clinic::ClinicInfo {
        id: clinic.id.clone(),
        name: clinic.name.clone(),
        kind: match clinic.kind {
            Kind::Veterinary => clinic::Kind::Veterinary,
            Kind::Medical => clinic::Kind::Medical,
            Kind::Dental => clinic::Kind::Dental,
        },
        address: clinic.address.clone(),
        phone: clinic.phone.clone(),
        timezone: clinic.timezone.clone(),
    }
}

/// Hours of one day.
pub fn hours(clinic: &Clinic, date: Date) -> clinic::DayHours {
    let hours = clinic.hours(date);
    let time = |minute: Option<desk::Minute>| minute.map(|minute| minute.to_string()).unwrap_or_default();
    clinic::DayHours {
        date: date.to_string(),
        open: hours.is_open(),
        opens: time(hours.opens()),
        closes: time(hours.closes()),
        note: hours.note,
    }
}

/// What can be booked.
pub fn services(clinic: &Clinic) -> Vec<clinic::Service> {
    let services = clinic.services.iter().filter(|service| service.bookable);
    services
        .map(|service| clinic::Service {
            id: service.id.clone(),
            name: service.name.clone(),
            minutes: service.minutes,
            price: service.price.map(money),
            doctors: service.doctors.clone(),
        })
        .collect()
}

/// Who works there.
pub fn doctors(clinic: &Clinic) -> Vec<clinic::Doctor> {
    let doctor = |doctor: &desk::Doctor| clinic::Doctor {
        id: doctor.id.clone(),
        name: doctor.name.clone(),
        speciality: doctor.speciality.clone(),
    };
    clinic.doctors.iter().map(doctor).collect()
}

/// Questions and answers.
pub fn entries(clinic: &Clinic) -> Vec<faq::Entry> {
    let entry = |entry: &desk::FaqEntry| faq::Entry {
        id: entry.id.clone(),
        question: entry.question.clone(),
        answer: entry.answer.clone(),
    };
    clinic.faq.iter().map(entry).collect()
}

/// A free time.
pub fn slot(slot: &desk::Slot) -> wit::Slot {
    wit::Slot {
        id: slot.id.clone(),
        start: slot.start_local().strftime("%Y-%m-%dT%H:%M").to_string(),
        minutes: slot.minutes,
        doctor_id: slot.doctor_id.clone(),
        doctor_name: slot.doctor_name.clone(),
        service_id: slot.service_id.clone(),
        service_name: slot.service_name.clone(),
    }
}

fn money(money: desk::Money) -> Money {
    Money {
        // A price a caller can be told fits; a nonsense one is told as the largest there is.
        minor: u32::try_from(money.minor).unwrap_or(u32::MAX),
        currency: money.currency.as_str().to_owned(),
    }
}
