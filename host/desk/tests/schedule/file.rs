//! What the clinic file says about the schedule, and what it says wrongly.

use desk::Clinic;
use jiff::civil::date;

use crate::{BIG, clinic};

#[test]
fn everything_is_read() {
    let big = clinic(BIG);
    assert_eq!(big.branches.iter().map(|branch| branch.id.as_str()).collect::<Vec<_>>(), ["center", "north"]);
    assert_eq!((big.resources[1].count, big.resources[0].branches.len()), (2, 1));
    let [therapy, ultrasound, vaccine] = &big.services[..] else { panic!() };
    assert_eq!((therapy.first_minutes, therapy.buffer, &therapy.needs[..]), (Some(45), 5, &["rooms".to_owned()][..]));
    assert_eq!((ultrasound.buffer, vaccine.buffer), (10, 0));
    let petrov = big.doctor("petrov").unwrap();
    assert_eq!((petrov.first_visit_minutes(therapy), petrov.visit_minutes(therapy)), (60, 30));
    assert_eq!(petrov.branches, [("center".to_owned(), None)]);
    assert_eq!(big.doctor("zueva").unwrap().buffer_minutes(ultrasound), 0);
    assert!(!big.hours(date(2026, 11, 30)).is_open() && !big.hours(date(2027, 11, 30)).is_open());
    assert!(big.hours(date(2026, 11, 29)).is_open());
    assert!(big.branch_hours(&big.branches[1], date(2026, 11, 27)).is_empty());
    assert!(big.branch_hours(&big.branches[1], date(2026, 11, 28)).is_empty(), "Saturday");
    // The ordinary list stands in where the file has none of its own.
    assert!(big.lost_reasons.iter().any(|reason| reason.code == "too-expensive" && reason.text == "Дорого"));
    let own = clinic(&format!("{BIG}\n[lost_reasons]\nrain = \"Дождь\"\n"));
    assert_eq!(own.lost_reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>(), ["rain"]);
}

#[test]
fn mistakes_name_their_line() {
    let wrong = |from: &str, to: &str| {
        let text = BIG.replace(from, to);
        assert_ne!(text, BIG, "{from}");
        let line = text.lines().position(|line| line.contains(to.lines().next().unwrap())).unwrap() + 1;
        let errors = Clinic::parse(&text, "big.toml").unwrap_err();
        assert!(errors.mistakes.iter().any(|mistake| mistake.line == line), "line {line} is not in {errors}");
        errors.to_string()
    };
    for (from, to, told) in [
        ("holidays = [\"11-30\"]", "holidays = [\"13-30\"]", "is no day"),
        ("needs = [\"кабинет\"]", "needs = [\"кабинеты\"]", "there is no resource"),
        ("needs = [\"uzi\", \"rooms\"]", "needs = [\"uzi\", \"аппарат УЗИ\"]", "twice"),
        ("branches = [\"center\"]", "branches = [\"centre\"]", "did you mean \"center\""),
        ("branch = \"Центр\"", "branch = \"Юг\"", "there is no branch"),
        ("count = 2", "count = 0", "allowed: 1 to 100"),
        ("per_day = 3", "per_day = \"3\"", "a whole number"),
        ("first_minutes = { therapy = 60 }", "first_minutes = { terapy = 60 }", "there is no service"),
        ("north = { mon = \"13:00-16:00\"", "north = { mon = \"11:00-16:00\"", "overlap"),
        ("buffer_minutes = 5", "buffer_minute = 5", "this key is not known"),
        ("breaks = { daily = \"13:00-13:30\" }", "breaks = { dayly = \"13:00-13:30\" }", "no day of the week"),
    ] {
        let errors = wrong(from, to);
        assert!(errors.contains(told), "{to}: {errors}");
    }
    let nowhere = BIG.replace("branch = \"Центр\"\n", "");
    let errors = Clinic::parse(&nowhere, "big.toml").unwrap_err().to_string();
    assert!(errors.contains("does not say where the doctor works"), "{errors}");
    let odd = Clinic::parse(&format!("{BIG}\n[lost_reasons]\n\"Дорого\" = \"Дорого\"\n"), "big.toml");
    assert!(odd.unwrap_err().to_string().contains("cannot be a code"));
}
