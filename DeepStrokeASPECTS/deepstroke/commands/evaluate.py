"""``deepstroke evaluate``: one label map against a reference."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import show, table
from deepstroke.evaluation import LabelComparison, compare_label_maps
from deepstroke.nifti import read_label_map, write_json
from deepstroke.regions import SIDED_REGIONS


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser(
        "evaluate", parents=[common], help="compare a label map with a reference: Dice, HD95, surface distance, volumes"
    )
    parser.add_argument("prediction", metavar="PRED", type=Path, help="label map (NIfTI or NRRD)")
    parser.add_argument("truth", metavar="TRUTH", type=Path, help="reference label map on the same grid")
    parser.add_argument("--json", metavar="F", type=Path, help="also write the figures to this file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Compare, print a table and write the JSON file if one is asked for."""
    prediction, truth = read_label_map(arguments.prediction), read_label_map(arguments.truth)
    comparisons = compare_label_maps(prediction, truth)
    mean = sum(comparison.dice for comparison in comparisons) / len(comparisons)
    header = ["label", "region", "Dice", "HD95 mm", "surface mm", "ml", "reference ml"]
    show(table(header, [_row(comparison) for comparison in comparisons]))
    show(f"mean Dice over {len(comparisons)} labels: {mean:.4f}")
    if arguments.json:
        write_json({"mean_dice": mean, "labels": [comparison.as_dict() for comparison in comparisons]}, arguments.json)


def _row(comparison: LabelComparison) -> list[str]:
    def figure(value: float | None, digits: int) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    return [
        str(comparison.label),
        _region_name(comparison.label),
        figure(comparison.dice, 4),
        figure(comparison.hausdorff95_mm, 2),
        figure(comparison.mean_surface_distance_mm, 2),
        figure(comparison.volume_ml, 2),
        figure(comparison.reference_ml, 2),
    ]


def _region_name(label: int) -> str:
    if label > len(SIDED_REGIONS):
        return "-"
    region, side = SIDED_REGIONS[label - 1]
    return f"{side} {region.abbreviation}"
