"""What the tags of a series say against reading a stroke from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from deepstroke.dicom.series import SliceGroup, is_orthonormal
from deepstroke.findings import Finding

_CT_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2",  # CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT Image Storage
}
_DERIVED_KINDS = re.compile(
    r"MIP|MINIP|PROJECTION|VOLUME.?REND|VRT|SUBTRACT|BONE.?REMOV|PERFUSION|MAP|SCREEN|DOSE|SUMMARY|"
    r"VNC|IODINE|EFF.?Z|DENSITY|REPORT|OVERVIEW|KEY.?IMAGE"
)
_PAGES = re.compile(r"DOSE|PATIENT PROTOCOL|SUMMARY|SCREEN ?(SAVE|SHOT|CAP)|KEY IMAGE|SMART ?PREP|REPORT")
_SCOUTS = re.compile(r"\b(SCOUT|TOPOGRAM|TOPO|LOCALI[SZ]ER|SURVIEW|SCANO(GRAM|SCOPE)?|LOC)\b")
_MAPS = re.compile(r"\b(MIP|MINIP|VRT|PERFUSION|CTP|CBF|CBV|MTT|TMAX|TTP|SUBTRACTION|IODINE|VNC)\b")

_HEAD_PARTS = ("HEAD", "BRAIN", "SKULL", "CRANI", "NEURO", "KOPF", "SCHADEL", "TETE", "CABEZA", "CEREB", "STROKE")
_OTHER_PARTS = re.compile(
    r"CHEST|THORAX|LUNG|HEART|CARDIAC|ABDOMEN|PELVIS|SPINE|LUMBAR|LSPINE|TSPINE|CSPINE|LIVER|KIDNEY|HIP|KNEE|"
    r"ANKLE|FOOT|SHOULDER|ELBOW|WRIST|HAND|EXTREMITY|LEG|ARM|AORTA|COLON|BREAST"
)

_WITHOUT_CONTRAST = re.compile(
    r"\bW ?/? ?O(UT)?\b|\bWITHOUT\b|\bNON?[ -]?(IV[ -]?)?(CON\w*|CE|ENH\w*)\b|\bUNENHANCED\b|\bNCCT\b|\bNECT\b|"
    r"\bPLAIN\b|\bNATI[VF]E?\b|\bSANS\b|\bSIN\b|\bOHNE\b|\bPRE[ -]?CON\w*|\bC ?-(?!\w)|(?<!\w)- ?C\b"
)
_WITH_CONTRAST = re.compile(
    r"\bCT[AVP]\b|ANGIO|VENOGRA|\bCECT\b|\bCE\b|\bPOST[ -]?(CON\w*|IV|C|GAD)\b|\+ ?C\b|\bC ?\+|"
    r"\bW(ITH)?[ /]*(IV )?CON\w*|(?<!UN)ENHANCED|\bARTERIAL\b|\bVENOUS\b|\bDELAYED\b|"
    r"\bMIT KM\b|\bAVEC\b|\bCON CONTRASTE\b"
)
_NO_AGENT = {"", "NO", "NONE", "N", "NON", "0", "-", "NO CONTRAST", "W/O", "WITHOUT", "NIL", "NA", "N/A", "UNKNOWN"}


def judge_tags(group: SliceGroup) -> list[Finding]:
    """Every reason against a series that its tags hold; empty where there is none.

    What is no CT slice at all gets that one reason, since every other would follow from it.
    """
    for kind in (_check_ct, _check_localizer):
        if reasons := list(kind(group)):
            return reasons
    return [reason for check in _CHECKS for reason in check(group)]


def has_contrast(group: SliceGroup) -> bool | None:
    """Whether tags say that contrast was given; None where they contradict each other."""
    header = group.headers[0]
    agent = any(h.contrast_agent.strip().upper().rstrip(".") not in _NO_AGENT for h in group.headers)
    words = _words(header.description)
    without = bool(_WITHOUT_CONTRAST.search(words))
    given = bool(_WITH_CONTRAST.search(_WITHOUT_CONTRAST.sub(" ", words)))
    if without and (agent or given):
        return None
    return agent or given


def _words(text: str) -> str:
    return re.sub(r"[_,;:()\[\]]+", " ", text).upper()


def _check_ct(group: SliceGroup) -> Iterator[Finding]:
    header = group.headers[0]
    if header.modality != "CT":
        yield Finding("not-ct", f"modality {header.modality or 'missing'}; only CT can be read")
    elif not header.has_pixels:
        yield Finding("no-pixels", "the files hold no pixels")
    elif header.sop_class not in _CT_CLASSES:
        yield Finding("secondary-capture", "not stored as CT images but as pictures or another kind of object")
    elif header.samples != 1:
        yield Finding("secondary-capture", "colour pictures hold no Hounsfield units")


def _check_localizer(group: SliceGroup) -> Iterator[Finding]:
    if group.is_localizer or _SCOUTS.search(_words(group.headers[0].description)):
        yield Finding("localizer", "a localizer (scout view), not a stack of slices")


def _check_derived(group: SliceGroup) -> Iterator[Finding]:
    header = group.headers[0]
    kinds = " ".join(header.image_type[2:])
    description = _words(header.description)
    if _PAGES.search(f"{description} {kinds}"):
        yield Finding("derived", "a page of text or a saved screen, not slices")
    elif "SECONDARY" in header.image_type[1:2]:
        yield Finding("derived", f"secondary images (image type {'/'.join(header.image_type[:3])}), not scanned slices")
    elif "DERIVED" in header.image_type[:1] and _DERIVED_KINDS.search(kinds):
        yield Finding("derived", f"computed images (image type {'/'.join(header.image_type[:3])}), not densities")
    elif _MAPS.search(description):
        yield Finding("derived", "projections, renderings or maps by their description, not densities")


def _check_geometry(group: SliceGroup) -> Iterator[Finding]:
    missing = {
        "no-position": ("Image Position", [h for h in group.headers if h.position is None]),
        "no-orientation": ("Image Orientation", [h for h in group.headers if h.row_direction is None]),
        "no-pixel-spacing": ("Pixel Spacing", [h for h in group.headers if not h.pixel_spacing]),
        "no-frame-of-reference": ("Frame of Reference UID", [h for h in group.headers if not h.frame_of_reference]),
    }
    for code, (attribute, without) in missing.items():
        if without:
            yield Finding(code, f"{len(without)} of {len(group.headers)} slices lack the {attribute}")
    if not any(without for _, without in missing.values()):
        yield from _check_axes(group)


def _check_axes(group: SliceGroup) -> Iterator[Finding]:
    skewed = [header for header in group.headers if not is_orthonormal(header)]
    if skewed:
        yield Finding(
            "bad-orientation",
            f"the direction cosines of {len(skewed)} slices aren't unit vectors at right angles; left and right "
            "can't be trusted",
        )
    elif not group.has_geometry:
        yield Finding("no-pixel-spacing", "the Pixel Spacing is not positive")
    elif group.orientation != "axial" and not group.is_localizer:
        yield Finding(str(group.orientation), f"{group.orientation} slices; the axial series is needed")


def _check_rescale(group: SliceGroup) -> Iterator[Finding]:
    without = [h for h in group.headers if h.slope is None or h.intercept is None or h.slope == 0]
    if without:
        yield Finding(
            "no-rescale",
            f"{len(without)} of {len(group.headers)} slices have no usable Rescale Slope and Intercept, so Hounsfield "
            "units can't be known",
        )
    units = {h.rescale_type for h in group.headers} - {"", "HU", "US"}
    if units:
        yield Finding("not-hounsfield", "the values aren't in Hounsfield units by their Rescale Type")


def _check_contrast(group: SliceGroup) -> Iterator[Finding]:
    if has_contrast(group):
        yield Finding("contrast", "contrast medium was given by its tags; ASPECTS is read on non-contrast CT")


def _check_body_part(group: SliceGroup) -> Iterator[Finding]:
    header = group.headers[0]
    words = f"{header.body_part} {_words(header.description)}"
    if _OTHER_PARTS.search(header.body_part) and not any(part in words for part in _HEAD_PARTS):
        yield Finding("not-a-head", "another part of the body by its Body Part Examined")


_CHECKS: tuple[Callable[[SliceGroup], Iterator[Finding]], ...] = (
    _check_derived,
    _check_geometry,
    _check_rescale,
    _check_contrast,
    _check_body_part,
)
