#!/usr/bin/env bash
# Builds the fuzz targets and runs each of them: tests/fuzz/run.sh [SECONDS [TARGET...]], 30 seconds by default.
# Inputs that libFuzzer finds worth keeping, logs and crashes go to target/ci/fuzz. `fuzz_TARGET FILE` runs one again.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-30}
shift $(($# > 0))
targets=("$@")
((${#targets[@]})) || targets=(page_header column_chunk scan job catalog record)

# The fixtures of other tests are the seeds; what they do not have is in tests/fuzz/seeds.
seeds() {
    case $1 in
    scan) echo tests/scan/foreign ;;
    job) echo tests/config/job jobs ;;
    catalog) echo tests/config/catalog jobs/catalog ;;
    *) echo "tests/fuzz/seeds/$1" ;;
    esac
}

fuzz() {
    local target=$1 out=target/ci/fuzz/$1
    mkdir -p "$out/found"
    # shellcheck disable=SC2046
    if RAYON_NUM_THREADS=1 "target/release/fuzz_$target" -max_total_time="$2" -timeout=25 -rss_limit_mb=2048 \
        -max_len=16384 -artifact_prefix="$out/" "$out/found" $(seeds "$target") >"$out/log" 2>&1; then
        printf '%-14s %s\n' "$target" "$(grep -E '^Done' "$out/log")"
    else
        tail -n 40 "$out/log" >&2
        echo "$target failed: its input is in $out" >&2
        return 1
    fi
}

CARGO_TARGET_DIR=target RUSTC_WRAPPER="$PWD/tests/fuzz/rustc.sh" \
    cargo build --release --locked --manifest-path tests/fuzz/Cargo.toml
export -f fuzz seeds
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I {} bash -c "fuzz {} $seconds"
