#!/usr/bin/env bash
# Fetches what flows in JavaScript and TypeScript are built with, from npm: componentize-qjs (QuickJS), esbuild, TypeScript.
# With the argument `starling`: componentize-js (StarlingMonkey) and esbuild, 400 MB. Versions and hashes are pinned in
# js/package-lock.json and starling/package-lock.json. Says what it fetches; does nothing when everything is there.
set -euo pipefail

kit=${1:-js}
pinned=$(cd "$(dirname "$0")" && pwd)/$kit
folder=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/$kit

if [ ! -f "$pinned/package-lock.json" ]; then
    echo "$kit: no such kit; there are js and starling" >&2
    exit 1
fi
# npm records what it has unpacked; the lock beside it says what was asked for.
if cmp -s "$pinned/package-lock.json" "$folder/package-lock.json" && [ -e "$folder/complete" ]; then
    exit 0
fi

if ! command -v npm >/dev/null 2>&1 || ! node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; then
    echo "Node.js 18 or newer with npm is needed. On Debian: apt-get install --no-install-recommends nodejs npm" >&2
    exit 1
fi

mkdir -p "$folder/bin"
rm -f "$folder/complete"
cp "$pinned/package.json" "$pinned/package-lock.json" "$folder/"
case $kit in
    js) echo "==> fetching componentize-qjs, esbuild and TypeScript from npm into $folder" ;;
    starling) echo "==> fetching componentize-js (StarlingMonkey) and esbuild from npm into $folder: some minutes" ;;
esac
# What npm has fetched before lies in its cache: after an interruption it goes on from there. Not `npm ci`: it refuses a
# lock that leaves out a program for another operating system. This one takes the lock's versions and checks its hashes too.
npm install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error

program() { # name, script run by node
    printf '#!/bin/sh\nexec node "%s/node_modules/%s" "$@"\n' "$folder" "$2" >"$folder/bin/$1"
    chmod +x "$folder/bin/$1"
}
program esbuild esbuild/bin/esbuild
if [ "$kit" = js ]; then
    # Its own bin/componentize-qjs has no ending, which Node 18 does not take for a module.
    program componentize-qjs componentize-qjs/cli.mjs
    program tsc typescript/bin/tsc
else
    program componentize-js @bytecodealliance/componentize-js/src/cli.js
fi
touch "$folder/complete"
echo "    $(du -sh "$folder" | cut -f1) in $folder"
