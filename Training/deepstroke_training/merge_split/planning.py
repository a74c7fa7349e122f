"""Make a plan from label files, and tell what it does and what other thresholds would do."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstroke.commands.console import table
from deepstroke.labels import MergePlan, adjacency, colour
from deepstroke.nifti import atomic_path, write_json
from deepstroke.progress import Progress, silent, within
from deepstroke_training.merge_split.label_names import named
from deepstroke_training.merge_split.pictures import draw_plan
from deepstroke_training.merge_split.sources import LabelFiles

PLAN, PICTURE, TABLE, SUMMARY = "plan.npz", "graph.png", "groups.csv", "plan.json"
#: Thresholds that the sweep tries: mm, and ratios of volumes.
SWEEP_MM = (0.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0)
SWEEP_RATIOS = (2.0, 3.5, 5.0, 10.0, float("inf"))


@dataclass(frozen=True)
class PlanSettings:
    """How a plan is made.

    Attributes:
        delta_distance: in mm; see ``MergePlan.fit``.
        delta_volume: ratio.
        alone: labels never merged.
    """

    delta_distance: float = 10.0
    delta_volume: float = 3.5
    alone: Collection[int] = ()


def plan_labels(files: LabelFiles, settings: PlanSettings, progress: Progress = silent) -> MergePlan:
    """A plan for the labels of many files.

    Raises:
        ConfigError: thresholds are out of range.
        InputError: a file can't be used, or they lie on different grids.
    """
    return MergePlan.fit(
        files,
        files.spacing_mm,
        settings.delta_distance,
        settings.delta_volume,
        alone=settings.alone,
        progress=within(progress, 0.0, 0.95),
    )


def write_plan(plan: MergePlan, names: Mapping[int, str], folder: Path) -> list[Path]:
    """Write ``plan.npz``, ``graph.png``, ``groups.csv`` and ``plan.json`` into a folder.

    Raises:
        InputError: the disk refuses.
    """
    plan.save(folder / PLAN)
    draw_plan(plan, names, folder / PICTURE)
    _write_groups(plan, names, folder / TABLE)
    write_json(_summary(plan), folder / SUMMARY)
    return [folder / name for name in (PLAN, PICTURE, TABLE, SUMMARY)]


def groups_table(plan: MergePlan, names: Mapping[int, str]) -> str:
    """The groups as text, one a line, and their number."""
    rows = [[str(number), ", ".join(named(group, names))] for number, group in enumerate(plan.groups) if number]
    text = table(["merged", "original labels"], [["0", "background"], *rows])
    return f"{text}\n{plan.n_labels} labels become {plan.n_merged}, background included"


def sweep_table(plan: MergePlan, alone: Collection[int] = ()) -> str:
    """Number of merged labels, background included, for other thresholds on the same label maps."""
    apart = [plan.labels.index(label) for label in alone if label]
    rows = [[f"{distance:g} mm", *_merged_numbers(plan, distance, apart)] for distance in SWEEP_MM]
    return table(["distance / volume ratio", *(f"{ratio:g}" for ratio in SWEEP_RATIOS)], rows)


def _merged_numbers(plan: MergePlan, distance: float, apart: Sequence[int]) -> list[str]:
    graphs = (adjacency(plan.distances_mm, plan.volume_ratios, distance, ratio, apart) for ratio in SWEEP_RATIOS)
    return [str(len(colour(graph)) + 1) for graph in graphs]


def _write_groups(plan: MergePlan, names: Mapping[int, str], path: Path) -> None:
    volumes = dict(zip(plan.labels, plan.mean_volumes_mm3.tolist(), strict=True))
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["merged", "label", "name", "mean_volume_mm3"])
        for number, group in enumerate(plan.groups):
            for label, name in zip(group, named(group, {0: "background", **names}), strict=True):
                rows.writerow([number, label, name, f"{volumes[label]:.3f}" if label else ""])


def _summary(plan: MergePlan) -> dict[str, object]:
    groups: Sequence[Sequence[int]] = plan.groups
    return {
        "labels": plan.n_labels,
        "merged": plan.n_merged,
        "delta_distance_mm": plan.delta_distance_mm,
        "delta_volume": plan.delta_volume if plan.delta_volume != float("inf") else None,
        "spacing_mm": list(plan.spacing_mm),
        "shape": list(plan.shape),
        "groups": [list(group) for group in groups],
    }
