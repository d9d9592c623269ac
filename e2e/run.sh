#!/usr/bin/env bash
# Real programs before and behind the gate. Installs them into a scratch folder, once,
# and runs the checks: `bash e2e/run.sh [--direct] [PART…]`, a part being a check's name
# such as `jupyterhub`. `--direct` leaves the gate out where a part knows it. The gate is
# $GREAVE, or is built.
#
# A part is a file here with a line `# run.sh: PYTHON NEED…`: the environment in which it runs,
# or `python3`, and what is installed beside it. `grep '^# run.sh' e2e/*.py` lists them.
#
# Needs python3 (3.11 or newer) with pip, node with npm, and cargo unless $GREAVE is set; and
# for parts that need a browser Chromium with its driver, which root gets from Debian.
# The part `strain` fills a disk of its own where it may mount one: as root, or where users may
# make name spaces. Everything listens on loopback only. Each check prints one line; the last
# line counts them.
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

# python NAME REQUIREMENTS: an environment with these packages. The steps are chained, since a
# function whose failure is asked about does not stop by itself.
python() {
  rm -rf "${scratch:?}/$1" &&
    # Debian keeps the part of Python that makes environments in a package of its own.
    { python3 -c 'import ensurepip' || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }; } &&
    python3 -m venv "$scratch/$1" &&
    timeout 600 "$scratch/$1/bin/pip" install --quiet --requirement "$2"
}

jupyter() {
  local version source
  version=$(sed -n 's/^jupyterhub==//p' "$here/requirements.txt")
  source="$scratch/jupyterhub-$version.tar.gz"
  python jupyter "$here/requirements.txt" &&
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

# The schema of SARIF as OASIS wrote it; a package for another test library carries it.
sarif() {
  rm -rf "$scratch/sarif" &&
    mkdir -p "$scratch/sarif" &&
    (cd "$scratch/sarif" && timeout 300 npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 && tar -xzf ./*.tgz)
}

# A real browser; there is none among Python's packages.
browser() {
  command -v chromium >/dev/null && command -v chromedriver >/dev/null && return
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing: chromium" >&2
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium chromium-driver; } \
      >"$scratch/chromium.install.log" 2>&1 && return
    tail -n 30 "$scratch/chromium.install.log" >&2
  fi
  echo "a part needs the programs chromium and chromedriver; on Debian: apt-get install chromium chromium-driver" >&2
  exit 1
}

direct=()
parts=()
for word in "$@"; do
  case $word in
    --direct) direct=(--direct) ;;
    *) parts+=("$word") ;;
  esac
done
mapfile -t all < <(cd "$here" && grep -l '^# run.sh: ' ./*.py | sed 's|^./||; s|\.py$||')
[ ${#parts[@]} -gt 0 ] || parts=("${all[@]}")

# needs PART: the environment in which it runs, and what else it needs.
needs() {
  sed -n 's/^# run.sh: //p' "$here/$1.py"
}

# need NAME: brings it, unless it is there.
need() {
  case $1 in
    python3) ;;
    browser) browser ;;
    jupyter) install jupyter "$here/requirements.txt" jupyter ;;
    node) install node "$here/package.json" node_programs ;;
    sarif) [ -d "$scratch/sarif/package" ] || sarif ;;
    *) install "$1" "$here/requirements-$1.txt" python "$1" "$here/requirements-$1.txt" ;;
  esac
}

# Only what the parts need that were asked for.
for part in "${parts[@]}"; do
  case " ${all[*]} " in
    *" $part "*) ;;
    *)
      echo "there is no part \`$part\`; the parts are: ${all[*]}" >&2
      exit 2
      ;;
  esac
  for name in $(needs "$part"); do need "$name"; done
done

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
  python3=$(needs "$part" | cut -d' ' -f1)
  [ "$python3" = python3 ] || python3=$scratch/$python3/bin/python
  timeout --kill-after=30 900 "$python3" -B "$here/$part.py" "${direct[@]}" | tee -a "$lines" || ended=$?
  if [ "$ended" -gt 1 ] || { [ "$ended" -eq 1 ] && ! grep -q "^FAIL $part:" "$lines"; }; then
    echo "FAIL $part: it ended by itself with $ended" | tee -a "$lines"
  fi
done

passed=$(grep -c '^ok  ' "$lines" || true)
failed=$(grep -c '^FAIL' "$lines" || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
