"""A child process that copies the result of an earlier run, so that a panel can be clicked many times in seconds."""

from __future__ import annotations

import sys
from pathlib import Path

#: Stands for `deepstroke segment INPUT --output OUT`: tells progress and copies a result.
_CHILD = """
import shutil, sys
from pathlib import Path
folder, *words = sys.argv[1:]
print("progress 40% registration")
shutil.copytree(folder, Path(words[words.index("--output") + 1]))
print("progress 100% done")
"""


def command(result: Path) -> list[str]:
    """What `DeepStrokeSlicerLib.jobs.Job` is to run in place of the library.

    Args:
        result: the folder of an earlier `deepstroke segment`.
    """
    return [sys.executable, "-c", _CHILD, str(result)]
