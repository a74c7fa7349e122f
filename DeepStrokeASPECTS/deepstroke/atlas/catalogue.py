"""Atlases that others publish and DeepStroke can fetch: addresses, SHA-256, sizes and licences. None of them ships."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        name: its file name.
        url: its address, pinned to a commit.
        sha256: 64 hexadecimal digits.
        size_bytes: its length.
    """

    name: str
    url: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class RemoteTemplate:
    """A CT template published elsewhere, without ASPECTS regions: these come from the embedded atlas on installing.

    Attributes:
        name: what ``install`` takes.
        version: the commit it is pinned to.
        summary: one line about it.
        licence: what binds who uses it.
        citation: what its authors ask to cite.
        frame_notes: its frame, and what differs from MNI152.
        template: the skull-stripped template in HU, 0 outside the brain.
    """

    name: str
    version: str
    summary: str
    licence: str
    citation: str
    frame_notes: str
    template: RemoteFile

    def as_dict(self) -> dict[str, Any]:
        """The entry as ``info`` shows it while the template is not installed."""
        return {**asdict(self), "installed": False}


_HIGH_RES_CT_COMMIT = "135392e7782eb87b923c054ada1c50f97034e431"

CATALOGUE: dict[str, RemoteTemplate] = {
    entry.name: entry
    for entry in (
        RemoteTemplate(
            name="high-res-ct",
            version=_HIGH_RES_CT_COMMIT[:7],
            summary="CT template of 130 heads (CQ500) at 2 mm, the one the DeepStroke paper registers to",
            licence="CC BY-NC-SA 4.0: no commercial use; what is made from it carries the same licence",
            citation=(
                "Muschelli J. A Publicly Available, High Resolution, Unbiased CT Brain Template. IPMU 2020, "
                "Springer, 358-366. https://doi.org/10.1007/978-3-030-50153-2_27"
            ),
            frame_notes=(
                "its own frame, not MNI152: axes left, anterior, superior in a qform only, origin at a corner, "
                "so the midline lies near x = -127 mm"
            ),
            template=RemoteFile(
                name="template_2mm.nii.gz",
                url=(
                    "https://raw.githubusercontent.com/muschellij2/high_res_ct_template/"
                    f"{_HIGH_RES_CT_COMMIT}/template/2mm/template_2mm.nii.gz"
                ),
                sha256="6fe77e2396d112bc1408fae4f5b2a9dd3e345841652dfbbd09abb50cd2202fbc",
                size_bytes=675487,
            ),
        ),
    )
}
