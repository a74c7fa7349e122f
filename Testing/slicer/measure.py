"""Measures the Slicer modules' targets in the host and writes the table.

    python Testing/slicer/measure.py -o Testing/benchmarks/slicer

Runs the real library on the synthetic sample scan, from the command line and by clicks, then replays its result. Needs
the extra `slicer`. Every time is given twice: by the clock, which counts other work of the machine too, and as the
processors' time of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "atlas_refine")]

from measurements import measure  # noqa: E402 - after the folders
from stopwatch import Row  # noqa: E402


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="path without suffix: .json and .md are written"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DEEPSTROKE_HOME"] = str(Path(folder) / "home")
        tempfile.tempdir = folder  # Others' temporary files aren't counted.
        rows = measure(Path(folder))
    content = {"benchmark": "slicer", "machine": machine(), "rows": [asdict(row) for row in rows]}
    arguments.output.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    text = table(rows)
    arguments.output.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201 - a script


def machine() -> str:
    """In words, without the machine's name."""
    load, python = os.getloadavg()[0], platform.python_version()
    return f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores, load {load:.1f}, Python {python}"


def table(rows: list[Row]) -> str:
    """The figures as Markdown."""
    lines = [
        "# The Slicer modules against their targets",
        "",
        "```bash",
        "python Testing/slicer/measure.py -o Testing/benchmarks/slicer",
        "```",
        "",
        "Measured in the host (`Testing/slicer/host`): real MRML and Qt, not Slicer itself; what views cost to draw",
        "isn't in it. By the clock other work of the machine counts too: where its load is above the number of its",
        f"cores, read the processor's seconds. {machine()}.",
        "",
        "The target of 0.1 s is about runs; the annotator's clicks show a waiting cursor. A replayed run copies an",
        "earlier result in place of the library, so that the panel alone is measured.",
        "",
        "| what | target | clock s | processor s | |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        times = ("" if value is None else f"{value:.2f}" for value in (row.clock, row.processor))
        lines.append(f"| {' | '.join((row.what, row.target, *times, row.note))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
