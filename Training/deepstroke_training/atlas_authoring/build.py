"""Builds the atlas folder that ships: template, brain, labels, manifest and notice."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.atlas.checks import volumes_ml
from deepstroke.nifti import atomic_path, write_json, write_nifti
from deepstroke.progress import Progress, silent
from deepstroke.regions import REGIONS
from deepstroke.resources import sha256_of
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.atlas_authoring import frame
from deepstroke_training.atlas_authoring.borders import border_definitions
from deepstroke_training.atlas_authoring.labelling import sided_labels
from deepstroke_training.atlas_authoring.landmarks import LEVELS, TISSUE_HU
from deepstroke_training.atlas_authoring.tissues import hemisphere_tissues

ATLAS_NAME = "deepstroke-mni152"
ATLAS_VERSION = "1.0.0"
_FILE_NAMES = {"template": "template.nii.gz", "labels": "labels.nii.gz", "brain": "brain.nii.gz"}


def build(folder: Path, progress: Progress = silent) -> None:
    """Rebuild the embedded atlas from nilearn's MNI152 maps, the same bytes every time.

    Args:
        folder: where template, brain, labels, manifest and notice are written; made if absent.
        progress: told how far the work is.

    Raises:
        MissingDependencyError: nilearn is not installed.
        InputError: the folder can't be written.

    Example:
        >>> build(Path("deepstroke-mni152"))  # doctest: +SKIP
    """
    progress(0.0, "making tissues from the MNI152 maps")
    tissues, affine = hemisphere_tissues(), frame.ijk_to_ras()
    progress(0.4, "drawing the regions")
    labels = sided_labels()
    progress(0.9, "writing")
    write_nifti(Volume(frame.mirrored(tissues.hounsfield()), affine), folder / _FILE_NAMES["template"])
    write_nifti(LabelMap(frame.mirrored(tissues.brain), affine), folder / _FILE_NAMES["brain"])
    write_nifti(labels, folder / _FILE_NAMES["labels"])
    with atomic_path(folder / "NOTICE.txt") as path:
        path.write_text(notice(), encoding="utf-8")
    write_json(manifest(folder, labels), folder / "manifest.json")
    progress(1.0, "the atlas is built")


def notice() -> str:
    """The notice that goes with the template: the ICBM copyright and nilearn's licence."""
    return files("deepstroke_training.atlas_authoring").joinpath("NOTICE.txt").read_text(encoding="utf-8")


def manifest(folder: Path, labels: LabelMap) -> dict[str, Any]:
    """What the atlas is, where it comes from and how its borders are defined."""
    return {
        "name": ATLAS_NAME,
        "version": ATLAS_VERSION,
        "summary": "the embedded atlas: 20 ASPECTS regions drawn for this project on MNI152, with a CT-like template",
        "status": "project-authored, not clinically validated; research use only",
        "licence": {
            "labels": "Apache-2.0",
            "brain": "Apache-2.0; derived from the ICBM 2009a MNI152 averages, see NOTICE.txt",
            "template": "Apache-2.0; derived from the ICBM 2009a MNI152 averages, see NOTICE.txt",
        },
        "provenance": {
            "made_from": "MNI152 ICBM 2009a nonlinear symmetric T1, grey and white matter averages and brain mask",
            "carried_by": f"nilearn {version('nilearn')}",
            "made_by": "deepstroke-train build-atlas (deepstroke_training.atlas_authoring)",
            "third_party_labels": "none",
        },
        "frame": _frame_facts(labels),
        "levels_mm": asdict(LEVELS),
        "tissue_hu": {**asdict(TISSUE_HU), "outside_the_brain": 0},
        "files": {
            part: {"name": name, "sha256": sha256_of(folder / name), "bytes": (folder / name).stat().st_size}
            for part, name in _FILE_NAMES.items()
        },
        "regions": _region_facts(labels),
        "borders": border_definitions(),
    }


def _frame_facts(labels: LabelMap) -> dict[str, Any]:
    return {
        "space": "MNI152 (ICBM 2009a nonlinear symmetric)",
        "orientation": "RAS+ mm; x = 0 is the midline and a voxel centre, so both sides are mirror images to the bit",
        "shape": list(labels.shape),
        "spacing_mm": list(labels.spacing_mm),
        "first_voxel_mm": labels.ijk_to_ras[:3, 3].tolist(),
    }


def _region_facts(labels: LabelMap) -> list[dict[str, Any]]:
    """Labels, volume a side and area at both levels of every region; the sides are equal."""
    volumes = volumes_ml(labels)
    levels = {"ganglionic": LEVELS.ganglionic, "supraganglionic": LEVELS.supraganglionic}
    return [
        {
            "region": region.abbreviation,
            "name": region.name,
            "left_label": region.label("left"),
            "right_label": region.label("right"),
            "volume_ml_a_side": round(volumes[region.label("left")], 3),
            "area_mm2_both_sides": {
                name: area_mm2(labels, (region.label("left"), region.label("right")), z) for name, z in levels.items()
            },
        }
        for region in REGIONS
    ]


def area_mm2(labels: LabelMap, values: tuple[int, ...], z_mm: float) -> float:
    """Area of labels on the axial slice nearest to z, mm^2."""
    axial = labels.data[:, :, frame.index_of_z(z_mm)]
    return float(np.isin(axial, values).sum() * labels.spacing_mm[0] * labels.spacing_mm[1])
