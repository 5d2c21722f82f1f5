#!/usr/bin/env bash
# Fetches schemathesis, which tests the API by its own document, from PyPI into a folder of its own. Does nothing when it is
# there.
set -euo pipefail

version=4.32.5
folder=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/toolchains/schemathesis

if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] && [ -x "$folder/bin/schemathesis" ]; then
    exit 0
fi
if ! python3 -m venv --help >/dev/null 2>&1; then
    echo "Python 3.10 or newer with venv is needed. On Debian: apt-get install --no-install-recommends python3-venv" >&2
    exit 1
fi

echo "==> fetching schemathesis $version from PyPI into $folder"
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
echo "$version" >"$folder/version"
echo "    $(du -sh "$folder" | cut -f1) in $folder"
