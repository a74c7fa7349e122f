"""Whether a stack is complete: gaps, uneven steps, tilt, coverage and instance numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.grid import EVEN_TOLERANCE_MM
from deepstroke.dicom.series import SliceGroup
from deepstroke.findings import Finding

#: Fewer slices make no volume.
MIN_SLICES = 3
#: From the base to the vertex a brain takes about 120 to 150 mm; below the first limit regions are missing.
MIN_COVERAGE_MM = 100.0
SHORT_COVERAGE_MM = 115.0
#: A step this many times the usual one around it, and the slice thickness, is a gap.
GAP_RATIO = 1.45
#: A gap up to here is no wider than the usual step of head CT, so that interpolating across it is sound.
MAX_BRIDGED_MM = 5.5
MIN_TILT_DEG = 0.1


def judge_continuity(group: SliceGroup) -> tuple[list[Finding], list[Finding]]:
    """Reasons against a stack of slices, and findings that a reader must know."""
    if len(group.headers) < MIN_SLICES:
        return [_too_few(len(group.headers))], []
    offsets = group.stack.offsets_mm
    if np.diff(offsets).min() <= EVEN_TOLERANCE_MM:
        return [Finding("same-plane", "slices lie side by side in one plane, which makes no stack")], []
    gaps, bridged = _judge_gaps(group, offsets)
    short, nearly_short = _judge_coverage(coverage_mm(group))
    findings = [*bridged, *nearly_short, *_tilt(group), *_uneven(offsets), *_instance_numbers(group)]
    return [*gaps, *short], findings


def coverage_mm(group: SliceGroup) -> float:
    """Height of tissue that the stack covers along its normal, the thickness of its end slices included."""
    offsets = group.stack.offsets_mm
    if len(offsets) < 2:
        return thickness_mm(group) or 0.0
    return float(offsets[-1] + (thickness_mm(group) or np.median(np.diff(offsets))))


def thickness_mm(group: SliceGroup) -> float | None:
    """Median slice thickness, where the headers state one."""
    stated = [header.thickness for header in group.headers if header.thickness]
    return float(np.median(stated)) if stated else None


def _too_few(count: int) -> Finding:
    message = f"{count} slices; a volume needs {MIN_SLICES} or more, so give the folder that holds the whole series"
    return Finding("too-few-slices", message)


def _judge_gaps(group: SliceGroup, offsets: NDArray[np.float64]) -> tuple[list[Finding], list[Finding]]:
    """Every step that is too wide for its surroundings, as a reason, or as a finding where it can be bridged."""
    steps = np.diff(offsets)
    gaps, bridged = [], []
    for k in np.flatnonzero(steps > MAX_BRIDGED_MM / 10):
        usual = _usual_step(steps, int(k))
        thickness = max(group.headers[k].thickness or 0.0, group.headers[k + 1].thickness or 0.0)
        if steps[k] <= GAP_RATIO * max(usual, thickness):
            continue
        message = (
            f"a gap of {steps[k]:.2f} mm between slices {k + 1} and {k + 2} of {len(offsets)}, where "
            f"{usual:.2f} mm is usual{_skipped_numbers(group, int(k))}"
        )
        if steps[k] <= MAX_BRIDGED_MM:
            bridged.append(Finding("small-gap", f"{message}; it was interpolated"))
        else:
            gaps.append(Finding("gap-in-series", f"{message}; get the missing slices"))
    return gaps, bridged


def _usual_step(steps: NDArray[np.float64], k: int) -> float:
    """Median of up to three steps on either side: series change their step on the way up."""
    around = np.concatenate([steps[max(k - 3, 0) : k], steps[k + 1 : k + 4]])
    return float(np.median(around))


def _skipped_numbers(group: SliceGroup, k: int) -> str:
    first, second = group.headers[k].instance_number, group.headers[k + 1].instance_number
    if first is None or second is None or abs(second - first) < 2:
        return ""
    low, high = sorted((first, second))
    return f" (instance numbers jump from {low} to {high})"


def _judge_coverage(coverage: float) -> tuple[list[Finding], list[Finding]]:
    if coverage < MIN_COVERAGE_MM:
        message = f"the slices cover {coverage:.0f} mm; a whole brain needs about {MIN_COVERAGE_MM:.0f} mm or more"
        return [Finding("coverage", message)], []
    if coverage < SHORT_COVERAGE_MM:
        message = f"the slices cover only {coverage:.0f} mm; the top or the base of the brain may be missing"
        return [], [Finding("short-coverage", message)]
    return [], []


def _tilt(group: SliceGroup) -> list[Finding]:
    tilt = group.stack.tilt_deg
    if tilt < MIN_TILT_DEG:
        return []
    return [Finding("gantry-tilt", f"the gantry was tilted by {tilt:.1f} degrees; the slices were straightened")]


def _uneven(offsets: NDArray[np.float64]) -> list[Finding]:
    steps = np.diff(offsets)
    if np.ptp(steps) <= 0.05:
        return []
    message = f"the step between slices varies from {steps.min():.2f} to {steps.max():.2f} mm; true positions were used"
    return [Finding("uneven-steps", message)]


def _instance_numbers(group: SliceGroup) -> list[Finding]:
    """Slices that the numbers say are missing, where the whole series is one stack of single-frame files."""
    numbers = [header.instance_number for header in group.headers if header.instance_number is not None]
    if group.part or group.headers[0].frame or len(set(numbers)) < len(group.headers):
        return []
    missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
    announced = {header.images_in_acquisition for header in group.headers}
    acquisitions = {header.acquisition_number for header in group.headers}
    if len(announced) == len(acquisitions) == 1 and (expected := announced.pop() or 0) > len(numbers):
        message = f"{len(numbers)} of {expected} announced slices are there; the ends of the head may be missing"
        return [Finding("missing-slices", message)]
    if not missing or len(missing) > len(numbers):
        return []
    message = (
        f"instance numbers {_ranges(missing)} are missing (found {min(numbers)} to {max(numbers)}); "
        "check that no slice was lost"
    )
    return [Finding("missing-slices", message)]


def _ranges(numbers: list[int]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
