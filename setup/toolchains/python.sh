#!/usr/bin/env bash
# Fetches what flows in Python are built with, from PyPI: componentize-py, which brings CPython 3.14 for WebAssembly, 70 MB.
# Version and hashes are pinned in python/requirements.txt. Says what it fetches; does nothing when everything is there.
set -euo pipefail

pinned=$(cd "$(dirname "$0")" && pwd)/python/requirements.txt
folder=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/python

# The copy of the list is written last: it says that everything on it is there.
if cmp -s "$pinned" "$folder/requirements.txt"; then
    exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "Python 3.9 or newer with pip is needed. On Debian: apt-get install --no-install-recommends python3 python3-pip" >&2
    exit 1
fi

echo "==> fetching componentize-py from PyPI into $folder"
rm -rf "$folder/lib" "$folder/requirements.txt"
mkdir -p "$folder/bin"
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target "$folder/lib" -r "$pinned"
cat >"$folder/bin/componentize-py" <<PROGRAM
#!/bin/sh
exec python3 -c 'import sys; sys.path.insert(0, "$folder/lib"); from componentize_py import script; sys.exit(script())' "\$@"
PROGRAM
chmod +x "$folder/bin/componentize-py"
cp "$pinned" "$folder/requirements.txt"
echo "    $(du -sh "$folder" | cut -f1) in $folder"
