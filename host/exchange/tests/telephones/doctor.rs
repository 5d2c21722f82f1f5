//! `gudok doctor --line`, with another exchange as the provider.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use desk::Clinic;
use exchange::checkup::{self, State};
use exchange::config::Lines;

use crate::support::clinic;

const PROVIDER: &str = "{sip}\n[[operator]]\nname = \"Line\"\nextension = \"101\"\npassword = \"secret\"\n";

fn line_at(provider: SocketAddr, password: &str) -> Lines {
    let clinic = Clinic::parse(include_str!("../../../../clinics/vet_lapa.toml"), "vet_lapa.toml").unwrap();
    let clinics = BTreeMap::from([(clinic.id.clone(), Arc::new(clinic))]);
    let text = format!(
        "[sip]\nudp = [\"127.0.0.1:0\"]\n[media]\nports = \"34000-34999\"\n[[trunk]]\nname = \"line\"\n\
         registrar = \"{provider}\"\nusername = \"101\"\npassword = \"{password}\"\nnumbers = [\"101\"]\n"
    );
    Lines::parse(&text, "lines.toml", Path::new(""), &clinics).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_works_is_said_to_work_from_registration_to_sound() {
    let provider = clinic(PROVIDER).await;
    let findings = checkup::line(&line_at(provider.at, "secret"), "line").await;
    let what: Vec<&str> = findings.iter().map(|finding| finding.what).collect();
    assert_eq!(what, ["listening", "server", "registration", "own call", "ACK", "sound"], "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.state == State::Good), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_wrong_name_are_named() {
    let provider = clinic(PROVIDER).await;
    let findings = checkup::line(&line_at(provider.at, "wrong"), "line").await;
    let last = findings.last().unwrap();
    assert_eq!((last.what, last.state), ("registration", State::Bad));
    assert!(last.found.contains("refuses the account") && last.mend.contains("password"), "{last:?}");
    let findings = checkup::line(&line_at(provider.at, "secret"), "lime").await;
    assert_eq!(findings[0].mend, "the lines file has line");
}
