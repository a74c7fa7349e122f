"""Judge one stack of slices by its tags, its continuity and its pixels, and write the record of it."""

from __future__ import annotations

import numpy as np

from deepstroke.dicom.appearance import Appearance, look
from deepstroke.dicom.continuity import coverage_mm, judge_continuity, thickness_mm
from deepstroke.dicom.exclusions import has_contrast, judge_tags
from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.kernels import is_sharp_kernel
from deepstroke.dicom.ranking import rank
from deepstroke.dicom.records import SeriesRecord
from deepstroke.dicom.series import SliceGroup
from deepstroke.dicom.wording import publishable, publishable_kernel
from deepstroke.errors import DicomSeriesError
from deepstroke.findings import Finding

#: Reasons after which asking for gaps makes no sense.
_NO_STACK = ("localizer", "not-ct", "no-pixels", "same-position")
#: Less enclosed soft tissue than this in every slice: not the inside of a skull.
MIN_BRAIN_CM2 = 40.0
#: More than this in the highest slice: the vertex lies above it.
MAX_TOP_BRAIN_CM2 = 15.0
#: More than this of the brain brighter than blood: contrast, or large calcifications. Plain CT: 0.0002.
MAX_BRIGHT_FRACTION = 0.01


def judge(group: SliceGroup) -> SeriesRecord:
    """Everything that speaks for and against a stack; its pixels are looked at only where its tags are sound."""
    reasons = [*group.reasons, *judge_tags(group)]
    findings = [*group.findings, *_file_findings(group.headers), *_contradicting_contrast(group)]
    if group.orientation == "axial" and not any(reason.code in _NO_STACK for reason in reasons):
        against, noted = judge_continuity(group)
        reasons, findings = [*reasons, *against], [*findings, *noted]
    appearance = None
    if not reasons:
        try:
            appearance = look(group.headers, base_first=bool(group.stack.normal_ras[2] > 0))
            against, noted = judge_appearance(appearance, group.headers[0].kernel)
        except DicomSeriesError as error:
            against, noted = [Finding(error.code, str(error))], []
        reasons, findings = [*reasons, *against], [*findings, *noted]
    return _record(group, reasons, findings, appearance)


def judge_appearance(appearance: Appearance, kernel: str) -> tuple[list[Finding], list[Finding]]:
    """Reasons and findings from what the pixels show, against what the kernel's tag says."""
    if appearance.is_flat:
        return [Finding("empty", "every pixel has the same value; the series holds no image")], []
    findings = []
    if appearance.brain_cm2 < MIN_BRAIN_CM2:
        message = f"no slice shows a brain inside a skull (largest enclosed soft tissue {appearance.brain_cm2:.0f} cm2)"
        findings.append(Finding("no-brain-seen", message))
    if appearance.top_brain_cm2 > MAX_TOP_BRAIN_CM2:
        message = f"the highest slice still shows {appearance.top_brain_cm2:.0f} cm2 of brain; the vertex is missing"
        findings.append(Finding("vertex-missing", message))
    if appearance.bright_fraction > MAX_BRIGHT_FRACTION:
        message = (
            f"{100 * appearance.bright_fraction:.1f} % of the brain is brighter than blood; contrast medium was "
            "given, or there are large calcifications"
        )
        findings.append(Finding("contrast-suspected", message))
    reasons, noted = _judge_kernel(appearance, kernel)
    return reasons, [*findings, *noted]


def _judge_kernel(appearance: Appearance, kernel: str) -> tuple[list[Finding], list[Finding]]:
    """The pixels decide; where they can't, the tag warns."""
    named = publishable_kernel(kernel) or "none"
    if appearance.sharpness == "sharp":
        return [
            Finding(
                "bone-kernel",
                f"a bone kernel by its noise of {appearance.noise_hu:.0f} HU that is uncorrelated between neighbouring "
                f"pixels ({appearance.correlation:.2f}; kernel tag {named}); the soft-tissue reconstruction is needed",
            )
        ], []
    if not is_sharp_kernel(kernel):
        return [], []
    if appearance.sharpness == "soft":
        message = f"the kernel tag {named} is one for bone, but the noise is that of a soft-tissue kernel; kept"
        return [], [Finding("kernel-tag-contradicted", message)]
    return [], [Finding("bone-kernel-tag", f"the kernel tag {named} is one for bone, and the pixels don't decide")]


def _contradicting_contrast(group: SliceGroup) -> list[Finding]:
    if has_contrast(group) is not None:
        return []
    return [Finding("contrast-contradiction", "tags say both with and without contrast; check the images")]


def _file_findings(headers: tuple[SliceHeader, ...]) -> list[Finding]:
    """What is odd about single files, said once for the series with the number of files."""
    counts: dict[Finding, int] = {}
    for header in headers:
        for finding in header.findings:
            counts[finding] = counts.get(finding, 0) + 1
    return [Finding(f.code, f"{f.message} ({count} of {len(headers)} slices)") for f, count in counts.items()]


def _record(
    group: SliceGroup, reasons: list[Finding], findings: list[Finding], appearance: Appearance | None
) -> SeriesRecord:
    header = group.headers[0]
    merits = [] if reasons or appearance is None else rank(group, appearance, findings)
    stack = group.stack if group.has_geometry and not group.is_localizer else None
    step = float(np.median(np.diff(stack.offsets_mm))) if stack and len(stack) > 1 else thickness_mm(group) or 0.0
    return SeriesRecord(
        uid=header.series_uid,
        part=group.part,
        number=header.series_number,
        description=publishable(header.description),
        modality=header.modality,
        slices=len(group.headers),
        rows=header.rows,
        columns=header.columns,
        spacing_mm=(stack.pixel_spacing_mm[1], stack.pixel_spacing_mm[0], round(step, 4)) if stack else None,
        thickness_mm=thickness_mm(group),
        tilt_deg=round(stack.tilt_deg, 3) if stack else None,
        kernel=publishable_kernel(header.kernel),
        coverage_mm=round(coverage_mm(group), 2) if stack else None,
        orientation=group.orientation if stack else None,
        contrast=bool(has_contrast(group)),
        reasons=tuple(reasons),
        findings=tuple(findings),
        score=round(sum(merit.points for merit in merits), 2),
        merits=tuple(merit.text for merit in merits),
        headers=group.headers,
    )
