#!/usr/bin/env bash
# Makes internal/bindings anew from ../../wit, after a change of the contract. Needs the generator, once:
#   cargo install wit-bindgen-cli --version 0.63.0 --no-default-features --features go
# The generated code is ours to ship; the small run-time it stands on (internal/abi) is written here, so that a flow
# needs no module from outside.
set -euo pipefail
cd "$(dirname "$0")"
export PATH="${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/go/bin:$PATH"

out=internal/bindings
rm -rf "$out"
wit-bindgen go --quiet --world flow --out-dir "$out" ../../wit

# The SDK has its own export of `run` (run.go) and is one module; packages get the capability's name.
rm -rf "$out/go.mod" "$out/wit_exports.go" "$out"/wit_export* 
for package in "$out"/gudok_*; do
    capability=${package##*_}
    mv "$package" "$out/$capability"
    mv "$out/$capability/wit_bindings.go" "$out/$capability/bindings.go"
done
sed -i -E \
    -e 's#"go\.bytecodealliance\.org/pkg/wit/runtime"#"gudok/internal/abi"#; s#"go\.bytecodealliance\.org/pkg/wit/types"#"gudok/internal/abi/value"#' \
    -e 's#"wit_component/gudok_[a-z]+_([a-z]+)"#"gudok/internal/bindings/\1"#' \
    -e 's#^package gudok_[a-z]+_([a-z]+)#package \1#; s#\bgudok_([a-z]+)_\1\b#\1#g' \
    "$out"/*/bindings.go
gofmt -w "$out"
