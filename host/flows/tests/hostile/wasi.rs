//! Flows that try the machine instead of the conversation: files, network, time, output, exits. What had an effect traps.

use flows::TrapKind::{CpuLimit, Other};

use crate::support::{World, module, run};
use crate::table::{Caller, End, Hostile};

/// As much of WASI as is tried here; types must be the real ones.
const WASI: &str = r#"package test:wasi;
package wasi:io@0.2.0 {
    interface error { resource error; }
    interface poll { resource pollable { block: func(); } }
    interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource output-stream {
            blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
        }
        resource input-stream { blocking-read: func(len: u64) -> result<list<u8>, stream-error>; }
    }
}
package wasi:random@0.2.0 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }
package wasi:clocks@0.2.0 {
    interface monotonic-clock {
        use wasi:io/poll@0.2.0.{pollable};
        type duration = u64;
        subscribe-duration: func(when: duration) -> pollable;
    }
}
package wasi:filesystem@0.2.0 {
    interface types { resource descriptor { sync-data: func() -> result<_, error-code>; }
        enum error-code { access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
            illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links,
            message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space,
            not-directory, not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted,
            pipe, read-only, invalid-seek, text-file-busy, cross-device }
    }
    interface preopens {
        use types.{descriptor};
        get-directories: func() -> list<tuple<descriptor, string>>;
    }
}
package wasi:sockets@0.2.0 {
    interface network {
        resource network;
        enum error-code { unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
            concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
            address-not-bindable, address-in-use, remote-unreachable, connection-refused, connection-reset,
            connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure,
            permanent-resolver-failure }
        enum ip-address-family { ipv4, ipv6 }
        type ipv4-address = tuple<u8, u8, u8, u8>;
        type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>;
        record ipv4-socket-address { port: u16, address: ipv4-address }
        record ipv6-socket-address { port: u16, flow-info: u32, address: ipv6-address, scope-id: u32 }
        variant ip-socket-address { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }
    }
    interface instance-network { use network.{network}; instance-network: func() -> network; }
    interface ip-name-lookup {
        use network.{network, error-code};
        resource resolve-address-stream;
        resolve-addresses: func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>;
    }
    interface tcp {
        use network.{network, error-code, ip-socket-address};
        resource tcp-socket {
            start-connect: func(network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>;
            start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>;
        }
    }
    interface tcp-create-socket {
        use network.{error-code, ip-address-family};
        use tcp.{tcp-socket};
        create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
    }
}
package wasi:cli@0.2.0 {
    interface stdin { use wasi:io/streams@0.2.0.{input-stream}; get-stdin: func() -> input-stream; }
    interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }
    interface exit { exit: func(status: result); }
    interface environment { get-environment: func() -> list<tuple<string, string>>; }
}
"#;

const INTERFACES: [&str; 16] = [
    "wasi:io/error@0.2.0",
    "wasi:io/poll@0.2.0",
    "wasi:io/streams@0.2.0",
    "wasi:random/random@0.2.0",
    "wasi:clocks/monotonic-clock@0.2.0",
    "wasi:filesystem/types@0.2.0",
    "wasi:filesystem/preopens@0.2.0",
    "wasi:sockets/network@0.2.0",
    "wasi:sockets/instance-network@0.2.0",
    "wasi:sockets/ip-name-lookup@0.2.0",
    "wasi:sockets/tcp@0.2.0",
    "wasi:sockets/tcp-create-socket@0.2.0",
    "wasi:cli/stdin@0.2.0",
    "wasi:cli/stdout@0.2.0",
    "wasi:cli/exit@0.2.0",
    "wasi:cli/environment@0.2.0",
];

const CLOCK: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $alarm (param i64) (result i32)))
    (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop (param i32)))"#;
const STDOUT: &str = r#"
    (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
        (func $write (param i32 i32 i32 i32)))"#;
const STDIN: &str = r#"
    (import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
    (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))"#;
const EXIT: &str = r#"(import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))"#;
const RANDOM: &str = r#"(import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))"#;
const FILES: &str = r#"
    (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
    (import "wasi:filesystem/types@0.2.0" "[method]descriptor.sync-data" (func $sync (param i32 i32)))"#;
const ENVIRONMENT: &str = r#"(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))"#;
const NETWORK: &str = r#"
    (import "wasi:sockets/instance-network@0.2.0" "instance-network" (func $network (result i32)))
    (import "wasi:sockets/ip-name-lookup@0.2.0" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))
    (import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $socket (param i32 i32)))
    (import "wasi:sockets/tcp@0.2.0" "[method]tcp-socket.start-connect"
        (func $connect (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "wasi:sockets/tcp@0.2.0" "[method]tcp-socket.start-bind"
        (func $bind (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
/// 127.0.0.1:22, then the places that only an IPv6 address uses.
const LOOPBACK: &str = "(i32.const 0) (i32.const 22) (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)";

/// Traps if the result at 1024 is not an error.
const MUST_HAVE_FAILED: &str = "(if (i32.eqz (i32.load8_u (i32.const 1024))) (then unreachable)) (i32.const 0)";
/// Traps if the list at 1024 is not empty.
const MUST_BE_EMPTY: &str = "(if (i32.load (i32.const 1028)) (then unreachable)) (i32.const 0)";

pub fn hostile() -> Vec<Hostile> {
    let socket = |then: &str| {
        format!(
            "(local $s i32) (call $socket (i32.const 0) (i32.const 1024))
            ;; No socket at all is as good.
            (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 0))))
            (local.set $s (i32.load (i32.const 1028)))
            (call ${then} (local.get $s) (call $network) {LOOPBACK} (i32.const 1024)) {MUST_HAVE_FAILED}"
        )
    };
    let naps = "(local $nap i32) (loop $again
        (local.set $nap (call $alarm (i64.const 1000000000)))
        (call $block (local.get $nap)) (call $drop (local.get $nap)) (br $again)) (i32.const 0)";
    let prints = "(local $out i32) (local.set $out (call $stdout)) (loop $again
        (call $write (local.get $out) (i32.const 0) (i32.const 4096) (i32.const 1024)) (br $again)) (i32.const 0)";
    let list: Vec<(&'static str, &str, String, End)> = vec![
        ("sleeps for ever", CLOCK, naps.into(), End::Stopped(CpuLimit)),
        ("sleeps for five hundred years", CLOCK, "(call $block (call $alarm (i64.const -1))) (i32.const 0)".into(), End::InVain),
        ("alarms without end", CLOCK, "(loop $again (drop (call $alarm (i64.const 1))) (br $again)) (i32.const 0)".into(), End::Stopped(Other)),
        ("waits for an alarm it made up", CLOCK, "(call $block (i32.const 77)) (i32.const 0)".into(), End::Stopped(Other)),
        ("drops an alarm twice", CLOCK, "(local $a i32) (local.set $a (call $alarm (i64.const 1))) (call $drop (local.get $a)) (call $drop (local.get $a)) (i32.const 0)".into(), End::Stopped(Other)),
        ("prints gigabytes", STDOUT, prints.into(), End::Stopped(CpuLimit)),
        ("prints four gigabytes at once", STDOUT, "(call $write (call $stdout) (i32.const 0) (i32.const -1) (i32.const 1024)) (i32.const 0)".into(), End::Stopped(Other)),
        ("reads the host's standard input", STDIN, format!("(call $read (call $stdin) (i64.const 100) (i32.const 1024)) {MUST_HAVE_FAILED}"), End::InVain),
        ("leaves by exit(1)", EXIT, "(call $exit (i32.const 1)) unreachable".into(), End::Stopped(Other)),
        ("leaves by exit(0)", EXIT, "(call $exit (i32.const 0)) unreachable".into(), End::InVain),
        ("asks for a terabyte of chance", RANDOM, "(call $random (i64.const 1099511627776) (i32.const 1024)) (i32.const 0)".into(), End::Stopped(Other)),
        ("looks for files", FILES, format!("(call $directories (i32.const 1024)) {MUST_BE_EMPTY}"), End::InVain),
        ("uses a file it made up", FILES, "(call $sync (i32.const 3) (i32.const 1024)) (i32.const 0)".into(), End::Stopped(Other)),
        ("reads the environment", ENVIRONMENT, format!("(call $environment (i32.const 1024)) {MUST_BE_EMPTY}"), End::InVain),
        ("looks a name up", NETWORK, format!("(call $resolve (call $network) (i32.const 64) (i32.const 9) (i32.const 1024)) {MUST_HAVE_FAILED}"), End::InVain),
        ("connects to the machine it runs on", NETWORK, socket("connect"), End::InVain),
        ("opens a port for itself", NETWORK, socket("bind"), End::InVain),
    ];
    list.into_iter()
        .map(|(name, imports, body, end)| {
            let wasm = World::with(WASI, &INTERFACES).component(&module(imports, "localhost", &run(&body)));
            Hostile { name, wasm, caller: Caller::Agreeable, end }
        })
        .collect()
}
