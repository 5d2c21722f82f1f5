#!/usr/bin/env bash
# Fetches axe-core, which looks at pages for what keeps people from using them, from npm into a folder of its own. The file is
# taken only if it is the one that was pinned. Does nothing when it is there.
set -euo pipefail

version=4.14.1
sum=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745
folder=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/axe-core

if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] && [ -s "$folder/axe.min.js" ]; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    echo "npm is needed. On Debian: apt-get install --no-install-recommends nodejs npm" >&2
    exit 1
fi

echo "==> fetching axe-core $version from npm into $folder"
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
npm pack --silent "axe-core@$version" >/dev/null
if ! echo "$sum  axe-core-$version.tgz" | sha256sum --check --status; then
    rm -rf "$folder"
    echo "axe-core $version is not the file that was pinned; nothing was kept" >&2
    exit 1
fi
tar -xzf "axe-core-$version.tgz" --strip-components=1 package/axe.min.js package/LICENSE
rm "axe-core-$version.tgz"
echo "$version" >version
echo "    $(du -sh "$folder" | cut -f1) in $folder"
