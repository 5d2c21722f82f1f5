#!/usr/bin/env bash
# Fetches another compiler for flows in C, from PyPI: zig, which brings its own C library, 100 MB. Version and hashes are
# pinned in zig/requirements.txt. Says what it fetches; does nothing when everything is there.
set -euo pipefail

pinned=$(cd "$(dirname "$0")" && pwd)/zig/requirements.txt
folder=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/zig

# The copy of the list is written last: it says that everything on it is there.
if cmp -s "$pinned" "$folder/requirements.txt"; then
    exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "Python 3 with pip is needed. On Debian: apt-get install --no-install-recommends python3 python3-pip" >&2
    exit 1
fi

echo "==> fetching zig from PyPI into $folder"
rm -rf "$folder/lib" "$folder/requirements.txt"
mkdir -p "$folder/bin"
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target "$folder/lib" -r "$pinned"
ln -sf "$folder/lib/ziglang/zig" "$folder/bin/zig"
cp "$pinned" "$folder/requirements.txt"
echo "    $(du -sh "$folder" | cut -f1) in $folder"
