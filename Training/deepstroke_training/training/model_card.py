"""The model card of exported weights, for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS

_CARD = """\
# {name}

{network} with {parameters:,} parameters for the ten ASPECTS regions on non-contrast head CT. Research use only; not a
medical device.

| | |
|---|---|
| file | `{file}`, sha256 `{sha256}` |
| licence | {licence} |
| input | {input} |
| output | {output} |
| trained | {trained} |
| code | revision `{revision}`, deepstroke {version}, PyTorch {torch} |

## Data
{data}

## Measures
Of the validation after step {step}: Dice of each region, the mean over the cases that have it.

| {names} | mean | with background |
|{rules}
| {values} | {mean} | {mean_with_background} |

These cases chose the weights among those of the run, so the figures are a little too good; `deepstroke-train evaluate`
measures on cases that took no part.
{held_out}
## Intended use
Research on early ischemic stroke: outlining the ASPECTS regions of adults on axial non-contrast CT, as a start for
annotation or for measurements that a reader checks.

## Limits
* No diagnosis, no triage, no decision about a patient. Nothing here was tested on a cohort of patients.
* {limits}
* Children, opened skulls, contrast phases, large haemorrhages and grids of other voxel sizes are outside of what it
  has seen.

## Commands
```bash
{commands}
```
"""


def write_model_card(content: Mapping[str, Any], path: Path) -> None:
    """Write the card of a manifest's content, complete or not at all.

    Raises:
        InputError: the disk refuses.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(model_card(content), encoding="utf-8")


def model_card(content: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    training, measures = content["training"], content["measures"]
    last = training["starts"][-1] if training["starts"] else {}
    versions = last.get("versions", {})
    names = [region.abbreviation for region in REGIONS]
    return _CARD.format(
        **{key: content[key] for key in ("name", "parameters", "file", "sha256", "licence")},
        network=content["network"]["name"],
        input=_input(content["input"]),
        output=_output(content["output"]),
        trained=_trained(training),
        revision=last.get("git_revision", "unknown"),
        version=versions.get("deepstroke", "unknown"),
        torch=versions.get("torch", "unknown"),
        data=_data(training["settings"]["data"]),
        step=training["step"],
        names=" | ".join(names),
        rules="---|" * (len(names) + 2),
        values=" | ".join(_figure(measures.get(f"val/dice_{name}")) for name in names),
        mean=_figure(measures.get("val/dice_mean")),
        mean_with_background=_figure(measures.get("val/dice_mean_with_background")),
        held_out=_held_out(content),
        limits=_limits(training["settings"]["data"]),
        commands="\n".join(" ".join(start["command"]) for start in training["starts"]) or "unknown",
    )


def _held_out(content: Mapping[str, Any]) -> str:
    """What was measured after the export, from scans to labels; see ``deepstroke_training.assessment``."""
    assessments, agreements = content.get("assessments", {}), content.get("agreements", {})
    parts = []
    if assessments:
        parts.append(
            "## Whole scans\nFrom scan to labels as `deepstroke segment` does it, brain extraction included: Dice of "
            "each region over cases and sides."
        )
        parts += [_assessment(name, found) for name, found in assessments.items()]
    if agreements:
        names = [region.abbreviation for region in REGIONS]
        rows = [
            [scan, *(_figure(found["dice"][name]) for name in names), _figure(found["mean_dice"])]
            for scan, found in agreements.items()
        ]
        parts.append(
            "## Real scans\nDice of the network with the atlas's route, each on its own way. There is no truth: this "
            "is agreement, not accuracy.\n\n" + _table(["scan", *names, "mean"], rows)
        )
    if content.get("auto_route"):
        route = content["auto_route"]
        parts.append(
            f"## What `--method auto` does\n`{route['cpu']}` on a processor, `{route['cuda']}` on a GPU: "
            f"{route['reason']}."
        )
    return "".join(f"\n{part}\n" for part in parts)


def _assessment(name: str, found: Mapping[str, Any]) -> str:
    names = [region.abbreviation for region in REGIONS]
    rows = [
        [
            route,
            *(_figure(one["dice"][name]) for name in names),
            _figure(one["mean_dice"]),
            "-" if one["interval"] is None else " to ".join(_figure(edge) for edge in one["interval"]),
            "-" if one["hausdorff95_mm"] is None else f"{one['hausdorff95_mm']:.1f}",
            str(one["side_errors"]),
            f"{found['failures'].get(route, 0)} of {found['cases']}",
        ]
        for route, one in found["routes"].items()
    ]
    header = ["route", *names, "mean", "95 %", "HD95 mm", "side errors", "failed"]
    text = f"### {name}\n{_table(header, rows)}"
    if "calibration_error" in found:
        text += (
            f"\n\nExpected calibration error of the network's probabilities, within regions: "
            f"{found['calibration_error']:.3f} at temperature {found['temperature']:g}."
        )
    return text


def _table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *rows])


def _input(given: Mapping[str, Any]) -> str:
    low, high = given["hu_range"]
    shape, stages = " x ".join(str(size) for size in given["shape"]), ", ".join(given["stages"])
    return f"{given['spacing_mm']:g} mm, {shape} voxels, {low:g}..{high:g} HU to 0..1, stages: {stages}"


def _output(given: Mapping[str, Any]) -> str:
    unit = given["coordinate_unit_mm"]
    coordinates = "" if unit is None else f", and template coordinates in units of {unit:g} mm"
    return f"{len(given['labels'])} classes: {', '.join(given['labels'])}{coordinates}"


def _trained(training: Mapping[str, Any]) -> str:
    minutes = training["minutes"]
    time = "" if minutes is None else f" in {minutes:.0f} minutes"
    last = training["starts"][-1] if training["starts"] else {}
    hardware = last.get("hardware", {})
    where = ", ".join(hardware.get("gpus", [])) or hardware.get("cpu", "unknown hardware")
    start = training["settings"].get("start")
    begun = "" if start is None else f"begun with `{start}`; "
    return f"{begun}{training['step']} steps to the best validation; run ended{time}: {training['stopped']}; on {where}"


def _data(data: Mapping[str, Any]) -> str:
    lines = []
    if data["synthetic"] is not None:
        synthetic = data["synthetic"]
        lines.append(
            f"* Synthetic heads made by this project from its own atlas: {synthetic['cases']} to train on (variety "
            f"`{synthetic['variety']}`), {synthetic['validation_cases']} of other seeds to validate on (variety "
            f"`{synthetic['tested_variety']}`)."
        )
    for curated in data["curated"]:
        lines.append(
            f"* A curated data set, split by patient: {curated['test_size']:.0%} of the patients are kept for testing."
        )
    return "\n".join(lines)


def _limits(data: Mapping[str, Any]) -> str:
    if not data["curated"]:
        return "Trained on synthetic heads alone: how well it does on real scans is not shown by the figures above."
    return "Labels of curated scans come from registration and overlays, not from manual outlines on every slice."


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
