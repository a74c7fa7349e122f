"""The part of the panel that shows a result: scores, the table with the reader's word, levels and views."""

from __future__ import annotations

from functools import partial
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

import slicer
from deepstroke.regions import SIDES
from DeepStrokeASPECTSLib import views
from DeepStrokeASPECTSLib.overlay_panel import OverlayPanel
from DeepStrokeASPECTSLib.parameters import Method
from DeepStrokeASPECTSLib.reading import CHOICES, Reading, RegionReading, SideScore, Status
from DeepStrokeASPECTSLib.review import Review
from DeepStrokeASPECTSLib.run import RunResult
from DeepStrokeSlicerLib.busy import busy

#: In the order of the list; None leaves it to the score.
_DECISIONS: tuple[Status | None, ...] = (None, *CHOICES)
_DECISION_COLUMN = 5


class ResultPanel:
    """Joins the widgets of the section Result with one result at a time.

    Args:
        ui: the panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self.review: Review | None = None
        self._mirror: views.MirrorView | None = None
        self.overlays = OverlayPanel(ui)
        ui.regionTable.connect("cellClicked(int,int)", self._show_region)
        ui.ganglionicButton.connect("clicked(bool)", lambda *_: self._jump("ganglionic"))
        ui.supraganglionicButton.connect("clicked(bool)", lambda *_: self._jump("supraganglionic"))
        ui.windowButton.connect("clicked(bool)", self._window)
        ui.mirrorCheckBox.connect("toggled(bool)", self._toggle_mirror)
        ui.filledCheckBox.connect("toggled(bool)", self._toggle_filled)
        ui.surfacesCheckBox.connect("toggled(bool)", self._toggle_surfaces)
        self._prepare_table()
        self.clear()

    def _prepare_table(self) -> None:
        table = self._ui.regionTable
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.verticalHeader().setVisible(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(_DECISION_COLUMN, qt.QHeaderView.Stretch)

    def show(self, result: RunResult) -> None:
        """Show a new result as a reader wants it: window, two views, the ganglionic level."""
        self.clear()
        self.review = Review(result)
        views.stroke_window(result.volume)
        views.show_side_by_side(result.volume)
        if result.mirror is not None:
            views.frame_head(result.mirror.point)
        views.show_regions(result.segmentation, filled=self._ui.filledCheckBox.checked)
        self._fill_table(result.reading.regions)
        self.overlays.show(result)
        self._ui.warningsLabel.text = "\n".join(result.reading.warnings)
        self._ui.resultSection.enabled = True
        self._ui.ganglionicButton.enabled = result.levels.ganglionic is not None
        self._ui.supraganglionicButton.enabled = result.levels.supraganglionic is not None
        self._ui.mirrorCheckBox.enabled = result.mirror is not None
        self._show_scores()
        self._jump("ganglionic")

    def clear(self) -> None:
        """Show nothing and follow nothing."""
        self._ui.mirrorCheckBox.checked = False
        self._ui.surfacesCheckBox.checked = False
        self.overlays.show(None)
        if self.review is not None:
            views.leave_slices()
        self.review = None
        self._ui.regionTable.setRowCount(0)
        self._ui.resultSection.enabled = False
        self._ui.leftScoreLabel.text = self._ui.rightScoreLabel.text = ""
        self._ui.scoreNoteLabel.text = _("Segment a scan to see its regions.")
        self._ui.warningsLabel.text = ""

    def _fill_table(self, regions: tuple[RegionReading, ...]) -> None:
        table = self._ui.regionTable
        table.setRowCount(len(regions))
        for row, region in enumerate(regions):
            cells = (
                f"{_('Left') if region.side == 'left' else _('Right')} {region.region.abbreviation}",
                _number(region.volume_ml, 1),
                _number(region.mean_hu, 1),
                _number(region.difference_hu, 1, sign=True),
                _number(region.confidence, 2),
            )
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip("\n".join([region.region.name, *region.reasons]))
                if column == 0:
                    item.setData(qt.Qt.DecorationRole, qt.QColor(*region.region.colour))
                else:
                    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                table.setItem(row, column, item)
            table.setCellWidget(row, _DECISION_COLUMN, self._decision(region))

    def _decision(self, region: RegionReading) -> Any:
        box = ctk.ctkComboBox()
        box.scrollWheelEffect = ctk.ctkComboBox.NeverScroll  # Scrolling over the table must decide nothing.
        words = (_("yes (reader)"), _("no (reader)"), _("can't be judged (reader)"))
        for text in (_automatic_text(region), *words):
            box.addItem(text)
        box.connect("currentIndexChanged(int)", partial(self._decide, region))
        return box

    def _decide(self, region: RegionReading, index: int) -> None:
        if self.review is not None:
            reader, reason = self._ui.readerLineEdit.text, self._ui.reasonLineEdit.text
            self.review.overrule(region, _DECISIONS[index], reader, reason)
            self._show_scores()

    def _show_scores(self) -> None:
        assert self.review is not None
        scores = self.review.scores
        labels = {"left": self._ui.leftScoreLabel, "right": self._ui.rightScoreLabel}
        titles = {"left": _("ASPECTS left"), "right": _("ASPECTS right")}
        for side in SIDES:
            labels[side].text = f"<b>{titles[side]}: {scores[side]}</b>"
        note = _score_note(self.review.result.reading, list(scores.values()), len(self.review.overrides))
        self._ui.scoreNoteLabel.text = note

    def _show_region(self, row: int, column: int) -> None:
        if self.review is None:
            return
        region = self.review.result.reading.regions[row]
        k = self.review.result.best_slice.get(region.label)
        if k is not None:
            views.jump_to_slice(self.review.result.volume, k)

    def _jump(self, level: str) -> None:
        if self.review is None:
            return
        k = getattr(self.review.result.levels, level)
        if k is not None:
            views.jump_to_slice(self.review.result.volume, k)

    def _window(self, *_args: object) -> None:
        if self.review is not None:
            views.stroke_window(self.review.result.volume)

    def _toggle_mirror(self, on: bool) -> None:
        if self._mirror is not None:
            self._mirror.stop()
            self._mirror = None
        if on and self.review is not None and self.review.result.mirror is not None:
            self._mirror = views.MirrorView(self.review.result.mirror.reflection())

    def _toggle_filled(self, on: bool) -> None:
        if self.review is not None:
            views.show_regions(self.review.result.segmentation, filled=on)

    def _toggle_surfaces(self, on: bool) -> None:
        if self.review is not None and slicer.mrmlScene.IsNodePresent(self.review.result.segmentation):
            with busy():
                views.show_in_3d(self.review.result.segmentation, visible=on)


def _number(value: float | None, digits: int, *, sign: bool = False) -> str:
    if value is None:
        return "-"
    shown = round(value, digits) + 0.0  # + 0.0: nothing is "-0.0"
    return f"{shown:+.{digits}f}" if sign and shown else f"{shown:.{digits}f}"


def _automatic_text(region: RegionReading) -> str:
    words = {
        "involved": _("yes"),
        "not-involved": _("no"),
        "not-assessable": _("can't be judged"),
        "not-scored": "-",
    }
    said = words[region.status]
    return said if region.probability is None else f"{said} ({100 * region.probability:.0f} %)"


def _route_text(route: str) -> str:
    """The route that was taken, in the words of the list of methods."""
    method, _space, engine = route.partition(" ")
    known = {choice.value: choice.label() for choice in Method}
    return f"{known.get(method, method)} {engine}".strip()


def _score_note(reading: Reading, scores: list[SideScore], overruled: int) -> str:
    unjudged = sum(score.unjudged for score in scores)
    parts = [_("Method: {method}.").format(method=_route_text(reading.method))]
    if reading.withheld:
        parts.append(_("No total is given: {reason}").format(reason=reading.withheld))
    if unjudged:
        parts.append(
            _("{count} regions are not judged yet; a side has a score once all of its are.").format(count=unjudged)
        )
    if overruled:
        parts.append(_("{count} decided by the reader.").format(count=overruled))
    return " ".join(parts)
