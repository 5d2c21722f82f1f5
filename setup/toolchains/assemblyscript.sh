#!/usr/bin/env bash
# Fetches what flows in AssemblyScript are built with, from npm: its compiler asc. Versions and hashes are pinned in
# assemblyscript/package-lock.json. Says what it fetches; does nothing when everything is there.
set -euo pipefail

pinned=$(cd "$(dirname "$0")" && pwd)/assemblyscript
folder=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/assemblyscript

# What says that everything is there is written last.
if cmp -s "$pinned/package-lock.json" "$folder/package-lock.json" && [ -e "$folder/complete" ]; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    echo "Node.js 20 or newer with npm is needed. On Debian: apt-get install --no-install-recommends nodejs npm" >&2
    exit 1
fi

echo "==> fetching AssemblyScript from npm into $folder"
mkdir -p "$folder/bin"
rm -f "$folder/complete"
cp "$pinned/package.json" "$pinned/package-lock.json" "$folder/"
npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
printf '#!/bin/sh\nexec node "%s/node_modules/assemblyscript/bin/asc.js" "$@"\n' "$folder" >"$folder/bin/asc"
chmod +x "$folder/bin/asc"
touch "$folder/complete"
echo "    $(du -sh "$folder" | cut -f1) in $folder"
