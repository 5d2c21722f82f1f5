#!/usr/bin/env bash
# Installs what flows in C are built with, from the system's packages: clang, lld, and the C library for WebAssembly.
# Says what it installs; does nothing when everything is there. Without root, setup/toolchains/zig.sh does as well.
set -euo pipefail

# That a program links is the one proof that compiler, linker, library and runtime fit together.
works() {
    command -v clang >/dev/null && command -v make >/dev/null &&
        echo 'int probe(int *p) { return *p; }' |
        clang --target=wasm32-wasi -mexec-model=reactor -x c - -o /dev/null 2>/dev/null
}

if works; then
    exit 0
fi
packages=(make clang lld wasi-libc libclang-rt-14-dev-wasm32)
if ! command -v apt-get >/dev/null 2>&1; then
    echo "No apt-get here. Install by the system's own means: make, clang, lld, wasi-libc, compiler-rt for wasm32." >&2
    exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
    sudo=(sudo)
fi
echo "==> installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
"${sudo[@]}" apt-get install -y -q --no-install-recommends "${packages[@]}"
if ! works; then
    echo "The packages are there, but clang still cannot link for wasm32-wasi. Its version and that of" >&2
    echo "libclang-rt-VERSION-dev-wasm32 must be the same; or use zig: setup/toolchains/zig.sh" >&2
    exit 1
fi
