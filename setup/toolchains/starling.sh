#!/usr/bin/env bash
# Fetches what JavaScript flows on StarlingMonkey are built with. Only needed for that engine; the usual one is QuickJS.
exec "$(dirname "$0")/js.sh" starling
