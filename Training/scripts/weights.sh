#!/usr/bin/env bash
# Trains the weights that ship, from nothing but this repository and PyPI, and measures them. About seven hours on two cores.
# Usage: bash Training/scripts/weights.sh [OUT]      (default: weights-output/)
#   1. small-cpu.yaml, 40 minutes: clinical synthetic heads
#   2. weights-2mm.yaml goes on from there, 110 minutes: heads far beyond the clinic's
#   3. the same for 115 minutes more, with other heads and stronger deformations
#   4. the same again for 120 minutes at a lower rate
#   5. temperature and usual pose error from 40 scans, figures from 200 other ones, of ranges that training never enters
# What is done already is not done again; a training run that was killed goes on where it stood.
set -euo pipefail
case "${1:-}" in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    exit 0
    ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-weights-output}
# shellcheck source=environment.sh
source "$root/Training/scripts/environment.sh"
prepare_environment train "$root"
mkdir -p "$out"
train() { "$PYTHON" -m deepstroke_training.cli "$@"; }
settings="$root/Training/configs"

[ -f "$out/small-cpu.safetensors" ] || {
    train fit "$settings/small-cpu.yaml" -o "$out/small-cpu" --resume
    train export "$out/small-cpu" -o "$out/small-cpu.safetensors"
}
[ -f "$out/weights-2mm.safetensors" ] || {
    train fit "$settings/weights-2mm.yaml" -o "$out/weights-2mm" --resume start="$out/small-cpu.safetensors"
    train export "$out/weights-2mm" -o "$out/weights-2mm.safetensors"
}
further=(data.synthetic.cases=2000 data.synthetic.seed=1 data.augmentation.elastic_probability=0.5 data.augmentation.elastic_mm=3.0)
[ -f "$out/weights-2mm-further.safetensors" ] || {
    train fit "$settings/weights-2mm.yaml" -o "$out/weights-2mm-further" --resume start="$out/weights-2mm.safetensors" \
        trainer.max_minutes=115 "${further[@]}"
    train export "$out/weights-2mm-further" -o "$out/weights-2mm-further.safetensors"
}
[ -f "$out/deepstroke-2mm.safetensors" ] || {
    train fit "$settings/weights-2mm.yaml" -o "$out/weights-2mm-last" --resume start="$out/weights-2mm-further.safetensors" \
        trainer.max_minutes=120 optimizer.lr=1.2e-3 "${further[@]}"
    train export "$out/weights-2mm-last" -o "$out/deepstroke-2mm.safetensors" --name deepstroke-2mm
}
weights="$out/deepstroke-2mm.safetensors"
cohort() {
    [ -f "$out/$1/cases.csv" ] ||
        train synthesize -o "$out/$1" -n "$2" --seed "$3" --matrix 256 --variety held-out
}
cohort calibration 40 60
cohort held-out 200 50
train assess "$out/calibration" -o "$out/assessed-calibration" --weights "$weights" --workers 2
train amend "$weights" --calibration "$out/assessed-calibration"
train assess "$out/held-out" -o "$out/assessed" --weights "$weights" --routes unet atlas --workers 2
train amend "$weights" --assessment "200 held-out synthetic scans=$out/assessed"
echo
echo "Look at:  ${weights%.safetensors}.md   (the model card, with every figure)"
echo "Use it:   deepstroke segment STUDY -o OUT --method unet --weights $weights"
