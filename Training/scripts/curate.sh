#!/usr/bin/env bash
# Makes a data set of every usable head CT on hospital media, on the cores of this machine or on a dask cluster.
# Usage: bash Training/scripts/curate.sh MEDIA... -o DATASET [--workers N] [--scheduler ADDRESS] [options]
# Started again after it was stopped or killed, it goes on where it stood. All options: --help.
# Give DATASET away, never DATASET.private: that folder holds the salt and the names of files.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=environment.sh
source "$root/Training/scripts/environment.sh"
prepare_environment train "$root"
exec "$PYTHON" -m deepstroke_training.cli curate "$@"
