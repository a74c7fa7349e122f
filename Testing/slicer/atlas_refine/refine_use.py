"""The annotator's panel as its tests use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from host import Host

#: The atlas of the tests.
NAME = "small"


def erase(session: Any, label: int) -> None:
    """What an annotator's eraser would do."""
    from DeepStrokeAtlasRefineLib.segments import layers_of, write_changes

    labels = session.merged().labels
    left = session.grid.with_labels(np.where(labels.data == label, 0, labels.data))
    write_changes(session.regions, layers_of(session.regions, session.grid), left)


def cell(table: Any, row: int, column: int) -> str:
    """What stands in a cell."""
    return table.item(row, column).text()


def check(host: Host, panel: Any) -> None:
    """Click Check and wait for the figures."""
    panel.ui.checkButton.click()
    host.wait_until(lambda: not panel.table.busy)
