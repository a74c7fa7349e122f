#!/usr/bin/env bash
# Trains a network on all GPUs of this machine, on some of them, or on the CPU.
# Usage: bash Training/scripts/train.sh [--gpus N | --processes N] CONFIG.yaml [--resume] [-o RUN] [key=value ...]
#   --gpus N        N GPUs, a process each (default: all there are; without any, one process on the CPU)
#   --processes N   N processes on the CPU, joined by gloo
#   --resume        go on with the run in the folder, or start it; a run that was killed ends as if it had not been
#   -o RUN          folder of the run (default: runs/NAME)
#   key=value       settings laid over those of the file, such as optimizer.lr=3e-4 trainer.max_minutes=40
# Examples:
#   bash Training/scripts/train.sh Training/configs/debug.yaml
#   bash Training/scripts/train.sh --gpus 8 Training/configs/paper.yaml 'data.curated=[{folder: DATASET}]' --resume
# Ctrl-C or SIGTERM saves and ends the run after the step under way. Several machines: train.slurm.
set -euo pipefail

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
}

refuse() {
    echo "error: $1 (--help shows how)" >&2
    exit 2
}

processes=""
kind=""
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help)
        usage
        exit 0
        ;;
    --gpus | --processes)
        [ -z "$kind" ] || refuse "give --gpus or --processes, not both"
        kind=${1#--}
        processes=${2:-}
        [[ "$processes" =~ ^[1-9][0-9]*$ ]] || refuse "$1 takes a number from 1 on, found '${processes}'"
        shift 2
        ;;
    *) break ;;
    esac
done
[ $# -gt 0 ] || refuse "name the settings, such as Training/configs/debug.yaml"
[ -f "$1" ] || refuse "$1 is no file"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=environment.sh
source "$root/Training/scripts/environment.sh"
prepare_environment train "$root"

gpus=$("$PYTHON" -c 'import torch; print(torch.cuda.device_count())')
settings=()
if [ "$kind" = processes ]; then
    settings=(trainer.accelerator=cpu)
elif [ "$kind" = gpus ]; then
    [ "$processes" -le "$gpus" ] || {
        echo "error: $processes GPUs are asked for, PyTorch sees $gpus: take fewer, or --processes N for the CPU" >&2
        exit 1
    }
else
    processes=$((gpus > 1 ? gpus : 1))
fi
if [ -z "${OMP_NUM_THREADS:-}" ]; then
    cores=$("$PYTHON" -c 'import os; print(len(os.sched_getaffinity(0)))')
    export OMP_NUM_THREADS=$((cores / processes > 0 ? cores / processes : 1))
fi
if [ "$processes" -eq 1 ]; then
    exec "$PYTHON" -m deepstroke_training.cli fit "$@" trainer.devices=1 "${settings[@]}"
fi
exec "$PYTHON" -m torch.distributed.run --standalone --nproc-per-node="$processes" \
    -m deepstroke_training.cli fit "$@" "trainer.devices=$processes" "${settings[@]}"
