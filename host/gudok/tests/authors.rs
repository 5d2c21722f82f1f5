//! Every author kit from its first minute: a new project in each language builds with the language's own command, is
//! accepted, and holds the conversation that lies beside it.
//!
//! The toolchains are those that `make test` fetches; a language without one is a failure that names the command.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A language as `flow new` knows it, and the script that fetches what it needs.
struct Kit {
    arguments: &'static [&'static str],
    toolchain: &'static str,
    /// A component asks for the capabilities it uses; kits that bring an interpreter ask for the whole contract.
    asks_for_all: bool,
}

#[test]
fn rust() {
    hello(&Kit { arguments: &["--lang", "rust"], toolchain: "setup/packages.sh", asks_for_all: false });
}

#[test]
fn javascript() {
    hello(&Kit { arguments: &["--lang", "js"], toolchain: "setup/toolchains/js.sh", asks_for_all: true });
}

#[test]
fn javascript_on_starlingmonkey() {
    hello(&Kit {
        arguments: &["--lang", "js", "--engine", "starling"],
        toolchain: "setup/toolchains/starling.sh",
        asks_for_all: true,
    });
}

#[test]
fn typescript() {
    hello(&Kit { arguments: &["--lang", "ts"], toolchain: "setup/toolchains/js.sh", asks_for_all: true });
}

#[test]
fn python() {
    hello(&Kit { arguments: &["--lang", "python"], toolchain: "setup/toolchains/python.sh", asks_for_all: true });
}

#[test]
fn go() {
    hello(&Kit { arguments: &["--lang", "go"], toolchain: "setup/toolchains/go.sh", asks_for_all: false });
}

#[test]
fn c() {
    hello(&Kit { arguments: &["--lang", "c"], toolchain: "setup/toolchains/c.sh", asks_for_all: false });
}

#[test]
fn c_by_zig() {
    hello(&Kit {
        arguments: &["--lang", "c", "--compiler", "zig"],
        toolchain: "setup/toolchains/zig.sh",
        asks_for_all: false,
    });
}

#[test]
fn assembly_script() {
    hello(&Kit { arguments: &["--lang", "as"], toolchain: "setup/toolchains/assemblyscript.sh", asks_for_all: false });
}

/// New, build, check, and the conversation of `tests/hello.toml`.
fn hello(kit: &Kit) {
    let dir = tempfile::tempdir().unwrap();
    let new = gudok(dir.path(), &[&["flow", "new", "hello"], kit.arguments].concat());
    assert!(new.status.success(), "{}", said(&new));

    let build = gudok(dir.path(), &["flow", "build", "hello", "--out", "hello.wasm"]);
    assert!(build.status.success(), "{}\nIf a tool is missing: {} fetches it.", said(&build), kit.toolchain);

    let check = gudok(dir.path(), &["flow", "check", "hello.wasm", "--format", "json"]);
    assert!(check.status.success(), "{}", said(&check));
    let asked = String::from_utf8_lossy(&check.stdout);
    assert!(asked.contains("gudok:faq/faq"), "{asked}");
    assert_eq!(asked.contains("gudok:appointments/"), kit.asks_for_all, "{asked}");

    let test = ["flow", "test", "hello.wasm", "--clinic", "hello/clinic.toml", "--scripts", "hello/tests"];
    let test = gudok(dir.path(), &test);
    assert!(test.status.success(), "{}", said(&test));
    let text = String::from_utf8_lossy(&test.stdout);
    assert!(text.contains("Вопрос из списка клиники и ответ на него"), "{text}");
}

fn gudok(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gudok"))
        .args(arguments)
        .current_dir(dir)
        .env("GUDOK_HOME", dir)
        // The standard library for wasm is compiled once for all Rust flows.
        .env("CARGO_BUILD_TARGET_DIR", repository().join("guest-flows/target"))
        .output()
        .unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
