//! What is found before a caller is on the line: every way to offer something that is not a flow for this host.

use flows::{FlowError, Limits};
use proptest::prelude::*;

use crate::support::{ENGINE, VOICE, World, component, echo, engine, module, run};

fn refused(wasm: &[u8]) -> FlowError {
    ENGINE.compile("desk", wasm).expect_err("refused")
}

const CALL_NOW: &str = "(call $now (i32.const 1024)) (i32.const 0)";

#[test]
fn a_core_module_is_told_how_to_become_a_component() {
    let wasm = wat::parse_str(module("", "", &run("(i32.const 0)"))).expect("valid text");
    let error = refused(&wasm);
    assert!(matches!(error, FlowError::CoreModule { .. }), "{error}");
    assert!(error.to_string().contains("wasm-tools component new desk.wasm"), "{error}");
}

#[test]
fn what_is_not_wasm_is_shown_by_its_beginning() {
    let error = refused(b"(component)");
    assert!(matches!(&error, FlowError::NotWasm { begins, .. } if begins == "“(compone”"), "{error}");
    assert!(matches!(refused(b""), FlowError::NotWasm { .. }));
}

#[test]
fn a_cut_off_component_is_invalid() {
    let wasm = component("", "", "(i32.const 0)");
    assert!(matches!(refused(&wasm[..wasm.len() / 2]), FlowError::Invalid { .. }));
}

#[test]
fn an_unknown_interface_is_named_with_what_there_is() {
    let world = World::with(
        "package gudok:payments@0.1.0; interface payments { pay: func(); }",
        &["gudok:payments/payments@0.1.0"],
    );
    let imports = r#"(import "gudok:payments/payments@0.1.0" "pay" (func $pay))"#;
    let error = refused(&world.component(&module(imports, "", &run("(call $pay) (i32.const 0)"))));
    let FlowError::UnknownImport { import, offer, .. } = &error else { panic!("{error}") };
    assert_eq!(import, "gudok:payments/payments@0.1.0");
    assert!(offer.contains("gudok:voice/voice@0.1.0") && offer.contains("gudok:notes/notes@0.1.0"), "{offer}");
}

#[test]
fn a_foreign_package_and_http_are_refused_by_name() {
    for (package, interface, hint) in [
        ("acme:crm@1.0.0", "acme:crm/people@1.0.0", "gudok:voice"),
        ("wasi:http@0.2.0", "wasi:http/people@0.2.0", "no network"),
    ] {
        let world = World::with(&format!("package {package}; interface people {{ who: func(); }}"), &[interface]);
        let imports = format!(r#"(import "{interface}" "who" (func $who))"#);
        let error = refused(&world.component(&module(&imports, "", &run("(call $who) (i32.const 0)"))));
        let FlowError::UnknownImport { import, offer, .. } = &error else { panic!("{error}") };
        assert_eq!(import, interface);
        assert!(offer.contains(hint), "{offer}");
    }
}

#[test]
fn another_major_version_is_told_which_one_is_here() {
    let world = World::changed(|text| text.replace("0.1.0", "0.2.0"));
    let imports = VOICE.replace("0.1.0", "0.2.0");
    let error = refused(&world.component(&module(&imports, "", &run(CALL_NOW))));
    let FlowError::UnknownImport { import, offer, .. } = &error else { panic!("{error}") };
    assert!(import.ends_with("@0.2.0"), "{import}");
    assert!(offer.contains("@0.1.0"), "{offer}");
}

#[test]
fn a_later_minor_version_is_taken_as_long_as_its_functions_are_here() {
    let imports = VOICE.replace("0.1.0", "0.1.9");
    let same = World::changed(|text| text.replace("0.1.0", "0.1.9"));
    let flow = ENGINE.compile("desk", &same.component(&module(&imports, "", &run(CALL_NOW)))).expect("compatible");
    assert!(flow.capabilities().contains(&"gudok:clinic/clinic@0.1.9".to_owned()), "{:?}", flow.capabilities());

    let more = World::changed(|text| {
        text.replace("0.1.0", "0.1.9").replace("now: func() -> iso-moment;", "now: func() -> iso-moment; moon: func();")
    });
    let imports = format!("{imports} (import \"gudok:clinic/clinic@0.1.9\" \"moon\" (func $moon))");
    let error = refused(&more.component(&module(&imports, "", &run("(call $moon) (i32.const 0)"))));
    let FlowError::MissingFunction { import, function, offered, .. } = &error else { panic!("{error}") };
    assert_eq!(
        (import.as_str(), function.as_str(), offered.as_str()),
        ("gudok:clinic/clinic@0.1.9", "moon", "gudok:clinic/clinic@0.1.0")
    );
}

#[test]
fn a_changed_type_is_refused() {
    let world = World::changed(|text| text.replace("now: func() -> iso-moment;", "now: func() -> u32;"));
    let imports = r#"(import "gudok:clinic/clinic@0.1.0" "now" (func $now (result i32)))"#;
    let error = refused(&world.component(&module(imports, "", &run("(drop (call $now)) (i32.const 0)"))));
    assert!(matches!(error, FlowError::WrongType { .. }), "{error}");
}

#[test]
fn a_component_without_run_is_refused() {
    let world = World::changed(|text| text.replace("export run:", "export walk:"));
    let text = module("", "", &run("(i32.const 0)")).replace("\"run\"", "\"walk\"");
    let error = refused(&world.component(&text));
    assert!(matches!(error, FlowError::NoRun { .. }), "{error}");

    let world = World::changed(|text| text.replace("-> result<_, string>", "-> u32"));
    let error = refused(&world.component(&module("", "", &run("(i32.const 0)"))));
    assert!(matches!(error, FlowError::WrongType { .. }), "{error}");
}

#[test]
fn an_appetite_beyond_the_limits_is_refused_at_once() {
    let small = engine(Limits { memory_bytes: 1 << 20, component_bytes: 4_000, ..Limits::default() });
    let text = module("", "", &run("(i32.const 0)"))
        .replace("(memory (export \"memory\") 1)", "(memory (export \"memory\") 17)");
    let error = small.compile("fat", &World::shipped().component(&text)).expect_err("too much memory");
    assert!(matches!(error, FlowError::TooHungry { asked: 1_114_112, knob: "memory_bytes", .. }), "{error}");
    let error = small.compile("long", &[0; 5_000]).expect_err("too many bytes");
    assert!(matches!(error, FlowError::TooLarge { size: 5_000, limit: 4_000, .. }), "{error}");
}

#[test]
fn capabilities_are_the_imports() {
    let flow = ENGINE.compile("desk", &echo(1)).expect("compiles");
    // In order, and without `gudok:types`, which permits nothing.
    assert_eq!(
        flow.capabilities(),
        ["gudok:clinic/clinic@0.1.0", "gudok:notes/notes@0.1.0", "gudok:voice/voice@0.1.0"]
    );
    assert_eq!(flow.digest().len(), 64);
    assert_eq!(flow.name(), "desk");
    let none = ENGINE.compile("none", &component("", "", "(i32.const 0)")).expect("compiles");
    assert!(none.capabilities().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiling_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..512), layer in 0..3u8) {
        let mut wasm = match layer {
            0 => Vec::new(),
            1 => b"\0asm\x0d\0\x01\0".to_vec(),
            _ => b"\0asm\x01\0\0\0".to_vec(),
        };
        wasm.extend(bytes);
        ENGINE.compile("noise", &wasm).ok();
    }

    #[test]
    fn compiling_a_damaged_flow_never_panics(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut wasm = ECHO.clone();
        for (place, value) in places {
            let place = place.index(wasm.len());
            wasm[place] = value;
        }
        ENGINE.compile("damaged", &wasm).ok();
    }
}

static ECHO: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| echo(1));
