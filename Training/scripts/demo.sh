#!/usr/bin/env bash
# Segments the ASPECTS regions of the sample scan that comes with the project.
# Usage: bash Training/scripts/demo.sh [OUT]      (default: demo-output/)
set -euo pipefail
case "${1:-}" in
-h | --help)
    sed -n '2,3s/^# //p' "$0"
    exit 0
    ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-demo-output}
# shellcheck source=environment.sh
source "$root/Training/scripts/environment.sh"
prepare_environment "" "$root"
"$PYTHON" -m deepstroke segment "$root/Resources/SampleScan" --output "$out"
echo
echo "Look at:  $out/report.html   (open it in a browser)"
echo "          $out/figure.png    (ganglionic and supraganglionic level)"
echo "          $out/labels-unet.nii.gz, the network's regions beside the atlas's in $out/labels.nii.gz; report.json holds their agreement"
echo "          $out/labels.nii.gz over $out/ct.nii.gz in any viewer; $out/labels.seg.dcm in a DICOM viewer"
