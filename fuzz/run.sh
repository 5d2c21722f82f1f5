#!/usr/bin/env bash
# Runs the fuzz targets: fuzz/run.sh [TARGET [SECONDS]]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/libfuzzer"
targets=${1:-sip sdp offer_answer rtp rtcp srtp audiosocket websocket}
seconds=${2:-120}

nice -n 19 cargo build --release --quiet
built=${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release
for target in $targets; do
    seeds=("$here/corpus/$target" "$here/regressions/$target")
    case $target in
        sip) seeds+=("$here/../host/sip/tests/torture/rfc4475" "$here/../host/sip/tests/torture/rfc5118") ;;
        sdp) seeds+=("$here/../host/media/tests/sdp/phones") ;;
    esac
    existing=()
    for folder in "${seeds[@]}"; do if [ -d "$folder" ]; then existing+=("$folder"); fi; done
    mkdir -p "corpus/$target" "artifacts/$target"
    echo "==> $target, $seconds s"
    nice -n 19 "$built/$target" "corpus/$target" "${existing[@]}" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="artifacts/$target/"
done
