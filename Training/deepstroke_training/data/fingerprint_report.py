"""A fingerprint as files: JSON for programs, Markdown and a picture for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepstroke.nifti import atomic_path, write_json
from deepstroke.regions import REGIONS, SIDED_REGIONS, SIDES
from deepstroke_training.data.fingerprint import LEAST_HU, Fingerprint, Spread, StageFingerprint
from deepstroke_training.data.prepared_case import Stage
from deepstroke_training.evaluation.plots import COLOURS, finish, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: HU that the picture shows.
_SHOWN_HU = (-20, 120)
#: So many outliers stand in the Markdown; JSON has all.
_LISTED = 30


def write_fingerprint(fingerprint: Fingerprint, folder: Path) -> tuple[Path, Path, Path]:
    """Write ``fingerprint.json``, ``fingerprint.md`` and ``fingerprint.png``; their paths.

    Raises:
        InputError: the disk refuses.
    """
    figures, text, picture = (folder / f"fingerprint.{ending}" for ending in ("json", "md", "png"))
    write_json(fingerprint.as_dict(), figures)
    with atomic_path(text) as temporary:
        temporary.write_text(markdown(fingerprint), encoding="utf-8")
    draw_fingerprint(fingerprint, picture)
    return figures, text, picture


def markdown(fingerprint: Fingerprint) -> str:
    """A fingerprint in words and tables."""
    lines = [
        f"# Data set {fingerprint.dataset}",
        "",
        f"{fingerprint.cases} cases of {fingerprint.patients} patients, {fingerprint.patients_with_several} of them "
        f"with more than one; {fingerprint.to_review} cases to be looked at.",
        "",
    ]
    for stage, one in fingerprint.stages.items():
        lines += _stage(stage, one)
    return "\n".join(lines).rstrip() + "\n"


def _stage(stage: Stage, one: StageFingerprint) -> Iterator[str]:
    yield from (f"## {stage}", "", f"{one.cases} cases of {one.patients} patients.", "")
    yield from _table(
        ["", "i", "j", "k"], [["voxel size, mm", *map(_range, one.spacing_mm)], ["voxels", *map(_range, one.shape)]]
    )
    yield from _table(
        ["percentile of HU in the brain", *one.hu_percentiles],
        [["", *(f"{hu:g}" for hu in one.hu_percentiles.values())]],
    )
    yield from _table(
        ["region", "left: ml", "range", "missing", "right: ml", "range", "missing", "share of voxels"], _volumes(one)
    )
    yield f"Background: {100 * one.class_shares['background']:.2f} % of the voxels."
    yield ""
    if one.outliers:
        yield f"{len(one.outliers)} volumes stand out" + (
            f"; the first {_LISTED}:" if len(one.outliers) > _LISTED else ":"
        )
        yield ""
        rows = [
            [found.case, f"{found.region} {found.side}", f"{found.volume_ml:.2f}", f"{found.median_ml:.2f}"]
            for found in one.outliers[:_LISTED]
        ]
        yield from _table(["case", "region", "ml", "median"], rows)


def _volumes(one: StageFingerprint) -> list[list[str]]:
    rows = []
    for n, region in enumerate(REGIONS):
        row = [region.abbreviation]
        for side in range(len(SIDES)):
            volumes = one.volumes[n + side * len(REGIONS)]
            row += [
                f"{volumes.mean:.2f} ± {volumes.deviation:.2f}",
                f"{volumes.least:.2f} to {volumes.most:.2f}",
                str(volumes.missing),
            ]
        rows.append([*row, f"{100 * one.class_shares[region.abbreviation]:.3f} %"])
    return rows


def _range(spread: Spread) -> str:
    if spread.least == spread.most:
        return f"{spread.median:.4g}"
    return f"{spread.least:.4g} to {spread.most:.4g}, median {spread.median:.4g}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def draw_fingerprint(fingerprint: Fingerprint, path: Path) -> None:
    """Draw densities and volumes of every stage, a row each.

    Raises:
        InputError: the disk refuses.
    """
    figure = new_figure(12.0, 3.2 * len(fingerprint.stages) + 0.2)
    rows = figure.subplots(len(fingerprint.stages), 2, squeeze=False, width_ratios=(1, 2))
    for (left, right), (stage, one) in zip(rows, fingerprint.stages.items(), strict=True):
        _draw_densities(left, stage, one)
        _draw_volumes(right, stage, one)
    save(figure, path)


def _draw_densities(axes: Axes, stage: Stage, one: StageFingerprint) -> None:
    low, high = _SHOWN_HU
    counts = one.hu_counts[low - LEAST_HU : high - LEAST_HU + 1]
    axes.fill_between(
        np.arange(low, high + 1),
        100.0 * counts / max(one.hu_counts.sum(), 1),
        step="mid",
        color=COLOURS["left"],
        alpha=0.6,
    )
    axes.set_xlabel("HU in the brain")
    axes.set_ylabel("% of voxels")
    middle = one.hu_percentiles.get("50")
    finish(axes, f"{stage}: {one.cases} cases" + ("" if middle is None else f", median {middle:g} HU"))


def _draw_volumes(axes: Axes, stage: Stage, one: StageFingerprint) -> None:
    stream = np.random.default_rng(0)
    for n, (region, side) in enumerate(SIDED_REGIONS):
        place = region.number + (-0.19 if side == "left" else 0.19)
        volumes = one.volumes_ml[:, n]
        axes.plot(
            place + stream.uniform(-0.1, 0.1, len(volumes)),
            volumes,
            ".",
            color=COLOURS[side],
            alpha=0.6,
            markersize=4,
            markeredgewidth=0,
            label=side if region.number == 1 else None,
        )
        axes.plot([place - 0.15, place + 0.15], [np.median(volumes)] * 2, color="black", linewidth=1.2)
    axes.set_xticks([region.number for region in REGIONS], [region.abbreviation for region in REGIONS])
    axes.set_ylabel("ml")
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False, ncols=2, fontsize=8, loc="upper left")
    finish(axes, f"{stage}: volumes of the regions, {len(one.outliers)} stand out")
