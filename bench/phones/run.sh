#!/usr/bin/env bash
# The telephony bench: bench/phones/run.sh FOLDER-OF-PROGRAMS [capacity|recorded|keys|answer|soak|asterisk ...]
# All parts without names. `bench/run.sh phones` builds the programs and calls this.
#
# PHONES_CALLS (250,500,1000,2000), PHONES_SECONDS (20), PHONES_KEYS (200), PHONES_SOAK (20000), PHONES_BOOKINGS (6)
set -uo pipefail
cd "$(dirname "$0")/../.."

target=$1
shift
parts=("$@")
[ $# -eq 0 ] && parts=(capacity recorded asterisk keys answer soak)
calls=${PHONES_CALLS:-250,500,1000,2000}
seconds=${PHONES_SECONDS:-20}
scratch=$(mktemp -d)
server=
trap 'stop; rm -rf "$scratch"' EXIT
ulimit -n "$(ulimit -Hn)"

say() { printf '    %s\n' "$*"; }
load() { say "load average $(cut -d' ' -f1-3 /proc/loadavg), $(date -u +%H:%M:%S) UTC"; }

stop() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    server=
}

# Waits until somebody hears SIP on a port, at most half a minute.
heard() {
    local _
    for _ in $(seq 300); do
        ss -lun | grep -q "127.0.0.1:$1 " && return 0
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# gudok RECORDING: serves number 100 (a prompt after a prompt) and 200 (a menu of keys).
gudok() {
    stop
    local home=$scratch/home-$1
    if [ ! -d "$home" ]; then
        mkdir -p "$home"
        [ -f "$scratch/prompt.wasm" ] || "$target/gudok" flow build bench/phones/flow --out "$scratch/prompt.wasm" >"$scratch/flow.txt" 2>&1 ||
            { cat "$scratch/flow.txt"; return 1; }
        "$target/gudok" flow deploy "$scratch/prompt.wasm" --clinic tests/phones/clinics/desk.toml --home "$home" >/dev/null || return 1
        "$target/gudok" flow deploy guest-flows/target/components/rust-menu.wasm --clinic tests/phones/clinics/menu.toml --home "$home" >/dev/null || return 1
    fi
    cat >"$home/lines.toml" <<LINES
[sip]
udp = ["127.0.0.1:15061"]
max_calls = 4000

[media]
ports = "20000-29999"

[recording]
on = $1

[[trunk]]
name = "prompt"
clinic = "phones_desk"
allow = ["127.0.0.1/32"]
numbers = ["100"]

[[trunk]]
name = "menu"
clinic = "phones_menu"
allow = ["127.0.0.1/32"]
numbers = ["200"]
LINES
    RUST_LOG=warn "$target/gudok" serve --home "$home" --lines "$home/lines.toml" --listen 127.0.0.1:15080 \
        --clinic tests/phones/clinics/desk.toml --clinic tests/phones/clinics/menu.toml >"$scratch/gudok.txt" 2>&1 &
    server=$!
    heard 15061 || { say "gudok does not listen:"; tail -5 "$scratch/gudok.txt"; return 1; }
}

# What the server complained of, in kinds.
complaints() {
    local lines
    lines=$(grep -c -E 'WARN|ERROR' "$scratch/gudok.txt")
    [ "$lines" -gt 0 ] && say "gudok: $lines warnings" && grep -E 'WARN|ERROR' "$scratch/gudok.txt" | sed -E 's/^[^ ]+ +//; s/[0-9]+/N/g' | sort | uniq -c | sort -rn | head -3
    return 0
}

measure() { "$target/phone-load" "$1" --server "$2" --pid "$server" --scratch "$scratch" "${@:3}"; }

capacity() {
    say "gudok, a live flow on each call, not recorded"
    gudok false && measure capacity 127.0.0.1:15061 --called 100 --calls "$calls" --seconds "$seconds"
    complaints
}

recorded() {
    say "gudok, a live flow on each call, recorded in stereo"
    gudok true && measure capacity 127.0.0.1:15061 --called 100 --calls "$calls" --seconds "$seconds"
    complaints
}

asterisk() {
    stop
    local prompt=$scratch/prompt.wav
    text2wave -o "$scratch/raw.wav" -eval '(voice_msu_ru_nsh_clunits)' \
        <<<"Здравствуйте. Все операторы заняты, но ваш звонок нам важен. Оставайтесь, пожалуйста, на линии." &&
        sox "$scratch/raw.wav" -r 8000 -c 1 "$prompt" || { say "no prompt for the peer"; return 1; }
    bench/phones/asterisk.sh "$prompt" >"$scratch/asterisk.txt" 2>&1 &
    server=$!
    heard 15060 || { say "no Asterisk to compare with:"; tail -3 "$scratch/asterisk.txt"; return 0; }
    # Ready a moment after it listens.
    sleep 3
    say "$(chroot "/proc/$server/root" /usr/sbin/asterisk -V), a prompt on each call, TALK_DETECT, not recorded"
    measure capacity 127.0.0.1:15060 --called 100 --calls "$calls" --seconds "$seconds"
}

keys() {
    gudok false && measure keys 127.0.0.1:15061 --called 200 --calls 4 --keys "${PHONES_KEYS:-200}"
    complaints
}

soak() {
    gudok true && measure soak 127.0.0.1:15061 --called 100 --calls "${PHONES_SOAK:-20000}"
    complaints
}

answer() {
    stop
    GUDOK_BIN=$target/gudok "$target/examples/answer_times" "${PHONES_BOOKINGS:-6}"
}

failed=0
for part in "${parts[@]}"; do
    printf -- '--  %s\n' "$part"
    load
    "$part" || failed=1
    load
done
exit $failed
