//! What an upload finds out about a flow, and which flows it turns away.

use std::sync::LazyLock;

use flows::FlowError;
use proptest::prelude::*;

use crate::support::{ENGINE, VOICE, component, echo};

const FRONT_DESK: &[u8] = include_bytes!("../contracts/0.1.0/front-desk-0.1.0.wasm");

#[tokio::test]
async fn an_inspection_tells_what_a_flow_asks_for_and_costs() {
    let (flow, found) = ENGINE.inspect("desk", FRONT_DESK).await.expect("accepted");
    assert_eq!(found.digest, flow.digest());
    assert_eq!(found.bytes, FRONT_DESK.len() as u64);
    assert_eq!(found.contract, "0.1.0");
    assert_eq!(found.capabilities, flow.capabilities());
    assert!(found.capabilities.contains(&"gudok:appointments/appointments@0.1.0".to_owned()));
    assert!(found.wasi.is_empty(), "{:?}", found.wasi);
    assert!(found.memory_bytes > 1 << 20 && found.memory_bytes < 4 << 20, "{}", found.memory_bytes);
    assert_eq!(found.language.as_deref(), Some("Rust"));
    assert!(found.start_us > 0.0 && found.compile_ms > 0.0, "{found:?}");
    let json = serde_json::to_string(&found).expect("serialisable");
    assert_eq!(serde_json::from_str::<flows::Inspection>(&json).expect("the same"), found);
}

#[tokio::test]
async fn memory_is_that_of_the_first_host_call() {
    let grows = |when: &str| component(VOICE, "name?", when);
    let now = "(call $now (i32.const 1024))";
    let grow = "(drop (memory.grow (i32.const 15)))";
    let (_, before) = ENGINE.inspect("before", &grows(&format!("{grow} {now} (i32.const 0)"))).await.expect("accepted");
    let (_, after) = ENGINE.inspect("after", &grows(&format!("{now} {grow} (i32.const 0)"))).await.expect("accepted");
    assert_eq!((before.memory_bytes, after.memory_bytes), (16 << 16, 1 << 16));
}

/// What it would do after its first call is a matter of the call, not of the upload.
#[tokio::test]
async fn a_flow_that_ends_before_its_first_call_is_turned_away() {
    let gives_up = r#"(i32.store8 (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 64))
        (i32.store (i32.const 8) (i32.const 10)) (i32.const 0)"#;
    for (body, how, message) in [
        ("unreachable", "unreachable", "unreachable"),
        ("(loop $again (br $again)) (i32.const 0)", "cpu-limit", "endless loop"),
        ("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (i32.const 0)", "memory-limit", "bytes"),
        (gives_up, "gave-up", "no doctors"),
    ] {
        let error = ENGINE.inspect("desk", &component("", "no doctors", body)).await.expect_err("turned away");
        let FlowError::DiesAtStart { how: found, message: words, .. } = &error else { panic!("{error}") };
        assert_eq!(*found, how);
        assert!(words.contains(message), "{error}");
    }
    let silent = component("", "", "(i32.const 0)");
    let (_, found) = ENGINE.inspect("silent", &silent).await.expect("it does nothing, and no harm");
    assert_eq!((found.contract.as_str(), found.language), (flows::INTERFACE_VERSION, None));
}

static ECHO: LazyLock<Vec<u8>> = LazyLock::new(|| echo(1));

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inspecting_a_damaged_flow_never_panics(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..6),
    ) {
        let mut wasm = ECHO.clone();
        for (place, bit) in flips {
            let place = place.index(wasm.len());
            wasm[place] ^= 1 << bit;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(ENGINE.inspect("damaged", &wasm)).ok();
    }
}
