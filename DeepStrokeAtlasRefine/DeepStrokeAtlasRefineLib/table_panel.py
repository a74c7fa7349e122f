"""The table of regions: live agreement with the overlay, checks, and a jump to what was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from deepstroke.errors import DeepStrokeError
from deepstroke.regions import SIDED_REGIONS
from deepstroke.volume import LabelMap
from DeepStrokeAtlasRefineLib import views
from DeepStrokeAtlasRefineLib.figures import Checks, agreements, changed_regions, check
from DeepStrokeAtlasRefineLib.messages import tell
from DeepStrokeAtlasRefineLib.segments import State
from DeepStrokeAtlasRefineLib.session import Session
from DeepStrokeSlicerLib.segmentations import segment_name
from DeepStrokeSlicerLib.timers import Repeater, Stepwise

if TYPE_CHECKING:
    from deepstroke.atlas.ridge_distance import BorderAgreement

#: How often it is looked whether the regions changed.
LOOK_MS = 300
_NAME, _DISTANCE, _VOLUME, _CHANGE, _FOUND = range(5)


class TablePanel:
    """Joins the widgets of the section Agreement and checks.

    Args:
        ui: the panel's widgets.
        on_selected: called with the label of a region that was clicked.
    """

    def __init__(self, ui: Any, on_selected: Callable[[int], None]) -> None:
        self._ui, self._on_selected = ui, on_selected
        self._session: Session | None = None
        self._seen: State | None = None
        self._labels: LabelMap | None = None
        self._agreements: dict[int, BorderAgreement] = {}
        self._checks: Checks | None = None
        self._watch: Repeater | None = None
        self._work: dict[str, Stepwise[Any]] = {}
        ui.regionTable.connect("cellClicked(int,int)", self._show_region)
        ui.checkButton.connect("clicked(bool)", self.check)
        self._prepare()
        self.show(None)

    def _prepare(self) -> None:
        table = self._ui.regionTable
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(_FOUND, qt.QHeaderView.Stretch)

    def show(self, session: Session | None) -> None:
        """Follow a session's regions, or none."""
        self.close()
        self._session, self._seen, self._labels = session, None, None
        self._agreements, self._checks = {}, None
        self._ui.checkSection.enabled = session is not None
        self._ui.summaryLabel.text = ""
        self._ui.agreementLabel.text = ""
        self._ui.regionTable.setRowCount(0)
        if session is not None:
            self._fill()
            self._watch = Repeater(self._look, tell, interval_ms=LOOK_MS)

    def close(self) -> None:
        """Follow nothing."""
        if self._watch is not None:
            self._watch.stop()
        for work in self._work.values():
            work.stop()
        self._watch, self._work = None, {}

    @property
    def busy(self) -> bool:
        """Whether figures are older than the regions."""
        return bool(self._work) or (self._session is not None and self._session.state() != self._seen)

    def _look(self) -> bool:
        """Begin new figures for the regions that changed since the last ones."""
        session = self._session
        if session is None or "agreement" in self._work or session.state() == self._seen:
            return True
        self._seen = session.state()
        labels = session.merged().labels
        regions = changed_regions(self._labels, labels)
        self._labels = labels
        if self._checks is not None and regions:
            self._ui.summaryLabel.text = _("The regions changed since they were checked.")
        self._start("agreement", agreements(session, labels, regions), self._show_agreements)
        return True

    def _start(self, name: str, steps: Any, on_done: Callable[[Any], None]) -> None:
        def done(result: Any) -> None:
            self._work.pop(name, None)
            on_done(result)

        def failed(error: Exception) -> None:
            self._work.pop(name, None)
            if not isinstance(error, DeepStrokeError):
                raise error
            tell(error)

        self._work[name] = Stepwise(steps, done, failed)

    def _show_agreements(self, found: dict[int, BorderAgreement]) -> None:
        self._agreements.update(found)
        self._fill()
        known = [a.mean_mm for a in self._agreements.values() if a.mean_mm is not None]
        mean = sum(known) / len(known) if known else None
        self._ui.agreementLabel.text = _("Mean distance to the overlay's lines: {mm} mm").format(mm=_number(mean, 2))

    def check(self, *_args: object) -> None:
        """Check every region."""
        if self._session is not None and "check" not in self._work:
            self._ui.summaryLabel.text = _("Checking ...")
            self._start("check", check(self._session), self._show_checks)

    def _show_checks(self, checks: Checks) -> None:
        self._checks = checks
        self._fill()
        verdict = _("Nothing keeps this from being published.") if checks.publishable else _("Not publishable yet.")
        self._ui.summaryLabel.text = "\n".join([verdict, *checks.whole])

    def _fill(self) -> None:
        table = self._ui.regionTable
        table.setRowCount(len(SIDED_REGIONS))
        for row, (region, side) in enumerate(SIDED_REGIONS):
            for column, text in enumerate(self._cells(row + 1, segment_name(region, side))):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                if column == _NAME:
                    item.setData(qt.Qt.DecorationRole, qt.QColor(*region.colour))
                elif column != _FOUND:
                    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                table.setItem(row, column, item)

    def _cells(self, label: int, name: str) -> list[str]:
        agreement = self._agreements.get(label)
        cells = [name, _number(agreement.mean_mm if agreement else None, 2)]
        if self._checks is None:
            return [*cells, "", "", ""]
        found = self._checks.regions[label]
        change = "-" if found.change is None else _percent(found.change)
        return [*cells, f"{found.volume_ml:.2f}", change, "; ".join(p.finding.message for p in found.findings)]

    def _show_region(self, row: int, _column: int) -> None:
        """Select the clicked region and jump to what was found, or to its middle."""
        label = row + 1
        self._on_selected(label)
        place = self._place(label)
        if place is not None:
            views.jump(place)

    def _place(self, label: int) -> Any:
        if self._checks is not None:
            found = self._checks.regions[label]
            places = [placed.place_ras for placed in found.findings if placed.place_ras is not None]
            return places[0] if places else found.place_ras
        return None if self._labels is None else _middle(self._labels, label)


def _middle(labels: LabelMap, label: int) -> Any:
    from deepstroke.atlas.checks import centroids_ras

    return centroids_ras(labels).get(label)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(share: float) -> str:
    rounded = round(100 * share)
    return f"{rounded:+d} %" if rounded else "0 %"
