#!/bin/sh
# Fuzzes every target for so many seconds (60 where nothing is said), or only the named ones:
#   fuzz/run.sh 30
#   fuzz/run.sh 600 path head
# Needs `cargo install cargo-fuzz`, and the nightly toolchain below, which is installed where
# it is missing. What it finds lies in fuzz/artifacts, and
# `cargo +NIGHTLY fuzz run TARGET FILE` shows it again.
set -eu
cd "$(dirname "$0")/.."
nightly=nightly-2026-05-20
seconds=${1:-60}
[ $# -eq 0 ] || shift
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "cargo-fuzz is missing; install it with \`cargo install cargo-fuzz\`" >&2
    exit 2
fi
rustup run $nightly rustc --version >/dev/null 2>&1 || rustup toolchain install $nightly --profile minimal
[ $# -gt 0 ] || set -- $(cargo +$nightly fuzz list)
mkdir -p fuzz/artifacts
failed=
for target in "$@"; do
    log=fuzz/artifacts/$target.log
    seeds=
    if [ -d "fuzz/seeds/$target" ]; then seeds=fuzz/seeds/$target; fi
    mkdir -p "fuzz/corpus/$target"
    if cargo +$nightly fuzz run "$target" "fuzz/corpus/$target" $seeds -- -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -print_funcs=0 >"$log" 2>&1
    then
        echo "$target: nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs"
    else
        echo "$target: found something, or did not run; the end of $log:" >&2
        tail -n 40 "$log" >&2
        failed="$failed $target"
    fi
done
if [ -n "$failed" ]; then
    echo "not clean:$failed" >&2
    exit 1
fi
