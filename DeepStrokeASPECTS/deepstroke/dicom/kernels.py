"""What the name of a convolution kernel says about its sharpness, vendor by vendor."""

from __future__ import annotations

import re

#: GE by words; Philips by letters; Canon (Toshiba) FC 30-39 bone, 50-59 lung, 80-89 high resolution.
_SHARP_NAMES = re.compile(
    r"BONE|EDGE|LUNG|SHARP|ULTRA|INNER ?EAR|\bFC ?[358]\d\b|^(D|E|L|EB|EC|ED|YC|YD|YE)\b", re.IGNORECASE
)
#: Siemens: a letter for the region (B, H, J, Q, U, T, I), perhaps a second one, then the sharpness in two digits.
_SIEMENS = re.compile(r"^[BHJQUTI][A-Z]?(\d\d)", re.IGNORECASE)
_SIEMENS_SHARP = 60


def is_sharp_kernel(kernel: str) -> bool:
    """Whether a kernel's name is one for bone or lung; an unknown name isn't.

    >>> is_sharp_kernel("H70h"), is_sharp_kernel("Hr40f"), is_sharp_kernel("BONEPLUS"), is_sharp_kernel("STD+")
    (True, False, True, False)
    """
    if siemens := _SIEMENS.match(kernel):
        return int(siemens.group(1)) >= _SIEMENS_SHARP
    return bool(_SHARP_NAMES.search(kernel))
