//! The clinic that test phrases are said to.

use understanding::profile::{Doctor, Kind, Profile};

/// A vet clinic for the slots that look at one.
pub fn clinic() -> Profile {
    let list = |items: &[&str]| items.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let doctor = |id: &str, name: &str, speciality: &str| Doctor {
        id: id.into(),
        name: name.into(),
        speciality: speciality.into(),
    };
    let offered =
        ["терапия", "хирургия", "стерилизация и кастрация", "прививки", "УЗИ", "рентген", "чипирование", "стационар"];
    let absent = ["груминг", "МРТ", "выезд на дом", "экзоты (рептилии, птицы)", "кремация"];
    Profile::new("demo", "ветклиника", Kind::Veterinary, &list(&offered), &list(&absent)).with_doctors(vec![
        doctor("boyko", "Бойко Ирина Дмитриевна", "терапевт"),
        doctor("reznikov", "Резников Пётр Ильич", "хирург"),
        doctor("belova", "Белова Анна Сергеевна", "терапевт"),
    ])
}
