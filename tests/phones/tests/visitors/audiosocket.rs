//! A PBX calls by AudioSocket.

use std::path::Path;
use std::process::Command;

use phones::compare::{pieces, share_alike};
use phones::process::require;

use crate::{newest, serve};

const CLIENT: &str = include_str!("audiosocket.py");
const NUMBER: &str = "+79030000301";

#[test]
fn a_pbx_announces_a_call_holds_it_presses_a_key_and_hangs_up() {
    require("python3", "python3").unwrap();
    let (gudok, _, audiosocket) = serve();
    let folder = tempfile::tempdir().unwrap();
    let (client, heard) = (folder.path().join("client.py"), folder.path().join("heard.raw"));
    std::fs::write(&client, CLIENT).unwrap();
    let output = Command::new("python3")
        .arg(&client)
        .args([&audiosocket, &gudok.http().to_string(), NUMBER, "1"])
        .arg(&heard)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}\n{}", gudok.printed());

    let call = gudok.call_of("phones_menu", NUMBER).unwrap();
    let whole = gudok.ended(&call).unwrap();
    assert_eq!(whole["call"]["end_reason"], "caller-hung-up", "{whole}");
    assert_eq!(newest(&gudok, "phones_menu")["call"]["id"], call.as_str(), "the call was written down once");
    let said = whole["turns"].to_string();
    assert!(said.contains("Мы работаем") || said.to_lowercase().contains("час"), "the key was not understood: {said}");

    let (caller, robot) = gudok.recording(&call).unwrap();
    let found = pieces(&robot, &samples(&heard)).unwrap();
    let share = share_alike(&found, 0.99, robot.len().saturating_sub(8_000));
    assert!(share >= 0.9, "robot to PBX: {found:#?}");
    let loud = caller.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
    assert!(loud > 2_000, "the caller's tone was not heard: {loud} loud samples");
}

fn samples(raw: &Path) -> Vec<i16> {
    std::fs::read(raw).unwrap().chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}
