"""Free text leaves the program only as words of radiology; kernels are told apart by their names."""

from __future__ import annotations

import pytest

from deepstroke.dicom.kernels import is_sharp_kernel
from deepstroke.dicom.wording import publishable, publishable_kernel


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Brain Bone 5.0", "Brain Bone 5.0"),
        ("Head 5.0 JONES", "Head 5.0 …"),
        ("JONES MARY 12345678 head", "… head"),
        ("1939-02-01 head", "…-02-01 head"),
        ("HEAD W/O CONTRAST", "HEAD W/O CONTRAST"),
        ("Müller, Head", "…, Head"),
        ("", ""),
    ],
)
def test_unknown_words_and_long_numbers_become_an_ellipsis(text: str, kept: str) -> None:
    assert publishable(text) == kept


def test_a_kernel_is_short_or_nothing() -> None:
    assert publishable_kernel("Hr40f 3") == "Hr40f 3"
    assert publishable_kernel("patient JONES born 1939 in Xanten") == "…"


@pytest.mark.parametrize(
    "kernel", ["BONE", "BONEPLUS", "EDGE", "LUNG", "H60s", "H70h", "Hr68s", "B80f", "FC30", "FC81", "D"]
)
def test_names_of_sharp_kernels_are_known(kernel: str) -> None:
    assert is_sharp_kernel(kernel)


@pytest.mark.parametrize(
    "kernel", ["STANDARD", "SOFT", "STD+", "H31s", "Hr40f", "J30s", "FC21", "FC26", "UB", "UA", "BRAIN", ""]
)
def test_names_of_soft_and_unknown_kernels_are_not_sharp(kernel: str) -> None:
    assert not is_sharp_kernel(kernel)
