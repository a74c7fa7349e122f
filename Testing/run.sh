#!/usr/bin/env bash
# Runs the project's tests.
# Usage: bash Testing/run.sh [pytest options]     (long tests: bash Testing/run.sh -m slow)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=../Training/scripts/environment.sh
source Training/scripts/environment.sh

# Tests of real DICOM validators and browsers skip by name where these can't be had.
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    missing=$(for package in dicom3tools dcmtk chromium libegl1 libgl1 orthanc; do dpkg -s "$package" > /dev/null 2>&1 || echo "$package"; done)
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } > /dev/null 2>&1 ||
            echo "could not install:" $missing "(the tests that need them skip by name)"
    fi
fi

prepare_environment "train,ants,bench,slicer,dev" "$root"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
"$PYTHON" -m ruff check .
"$PYTHON" -m ruff format --check --quiet .
"$PYTHON" -m mypy
"$PYTHON" -m pytest -m "not slow and not gpu" -n "${DEEPSTROKE_TEST_WORKERS:-auto}" "$@"
