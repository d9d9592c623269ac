#!/usr/bin/env bash
# Real programs before and behind the gate. Installs them into a scratch folder, once,
# and runs the checks: `bash e2e/run.sh [--direct] [PART…]`, a part being a check's name
# such as `jupyterhub`. `--direct` leaves the gate out. The gate is $GREAVE, or is built.
#
# Needs python3 (3.11 or newer) with pip, node with npm, and cargo unless $GREAVE is set.
# Everything listens on loopback only. Each check prints one line; the last line counts them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export GREAVE_E2E_SCRATCH=${GREAVE_E2E_SCRATCH:-$here/scratch}
scratch=$GREAVE_E2E_SCRATCH
mkdir -p "$scratch"

# install NAME FILE COMMAND…: runs the command unless it succeeded before for this very FILE.
install() {
  local name=$1 file=$2 stamp
  shift 2
  stamp="$scratch/$name.installed"
  cmp -s "$file" "$stamp" && return
  echo "installing: $name" >&2
  rm -f "$stamp"
  "$@" >"$scratch/$name.install.log" 2>&1 || {
    tail -n 30 "$scratch/$name.install.log" >&2
    echo "cannot install $name; the whole log is $scratch/$name.install.log" >&2
    exit 1
  }
  cp "$file" "$stamp"
}

# Chained, since a function whose failure is asked about does not stop by itself.
jupyter() {
  local version source
  version=$(sed -n 's/^jupyterhub==//p' "$here/requirements.txt")
  source="$scratch/jupyterhub-$version.tar.gz"
  rm -rf "$scratch/jupyter" &&
    # Debian keeps the part of Python that makes environments in a package of its own.
    { python3 -c 'import ensurepip' || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }; } &&
    python3 -m venv "$scratch/jupyter" &&
    timeout 600 "$scratch/jupyter/bin/pip" install --quiet --requirement "$here/requirements.txt" &&
    # The hub's own OpenAPI document is part of its source package only.
    timeout 300 "$scratch/jupyter/bin/pip" download --quiet --no-deps --no-binary :all: --dest "$scratch" "jupyterhub==$version" &&
    tar -xzf "$source" -O "jupyterhub-$version/docs/source/_static/rest-api.yml" >"$scratch/jupyterhub-rest-api.yml" &&
    rm "$source"
}

node_programs() {
  rm -rf "$scratch/node" &&
    mkdir -p "$scratch/node" &&
    cp "$here/package.json" "$scratch/node/" &&
    (cd "$scratch/node" && timeout 600 npm install --ignore-scripts --no-audit --no-fund --no-package-lock)
}

direct=()
parts=()
for word in "$@"; do
  case $word in
    --direct) direct=(--direct) ;;
    *) parts+=("$word") ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(jupyterhub operating octokit)

install jupyter "$here/requirements.txt" jupyter
install node "$here/package.json" node_programs

if [ ${#direct[@]} -eq 0 ] && [ -z "${GREAVE:-}" ]; then
  cargo build --quiet --package greave --manifest-path "$here/../Cargo.toml"
  target=$(cargo metadata --no-deps --format-version 1 --manifest-path "$here/../Cargo.toml" | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
  GREAVE=$target/debug/greave
fi
export GREAVE=${GREAVE:-}

lines="$scratch/lines"
: >"$lines"
for part in "${parts[@]}"; do
  # A part that dies between its checks, or hangs, counts as a failed check.
  ended=0
  timeout --kill-after=30 900 python3 -B "$here/$part.py" "${direct[@]}" | tee -a "$lines" || ended=$?
  if [ "$ended" -gt 1 ] || { [ "$ended" -eq 1 ] && ! grep -q "^FAIL $part:" "$lines"; }; then
    echo "FAIL $part: it ended by itself with $ended" | tee -a "$lines"
  fi
done

passed=$(grep -c '^ok  ' "$lines" || true)
failed=$(grep -c '^FAIL' "$lines" || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
