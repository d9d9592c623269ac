#!/usr/bin/env bash
# The gate beside other proxies in one interleaved run: `bash bench/run.sh [ROUNDS [SECONDS]]`,
# usually 7 rounds of 5 seconds, which take about 15 minutes. See docs/performance.md.
#
# Needs Linux, two cores that are otherwise idle, python3, cargo, and Debian's nginx, haproxy
# and wrk, which are installed where they are missing. Everything listens on loopback only.
# The gate is $GREAVE, or is built in release.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$(cargo metadata --no-deps --format-version 1 --manifest-path "$here/../Cargo.toml" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')

PATH=$PATH:/usr/sbin
missing=()
for program in nginx haproxy wrk; do
  command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing: ${missing[*]}" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
fi

if [ -z "${GREAVE:-}" ]; then
  cargo build --quiet --release --package greave --manifest-path "$here/../Cargo.toml"
  GREAVE=$target/release/greave
fi
export GREAVE
export GREAVE_BENCH_SCRATCH=${GREAVE_BENCH_SCRATCH:-$target/bench}
exec python3 -B "$here/bench.py" "${1:-7}" "${2:-5}"
