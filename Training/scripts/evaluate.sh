#!/usr/bin/env bash
# Measures what a run learnt, or a folder of predictions: Dice, HD95, surface distance and volume by case and region.
# Usage: bash Training/scripts/evaluate.sh RUN [-o OUT] [options]
#        bash Training/scripts/evaluate.sh --predictions FOLDER --truth FOLDER [-o OUT] [options]
# All options: --help.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=environment.sh
source "$root/Training/scripts/environment.sh"
prepare_environment train "$root"
exec "$PYTHON" -m deepstroke_training.cli evaluate "$@"
