"""Self tests that run in a real Slicer (Reload and Test, or CTest); the host runs them too, as far as it goes."""
# ruff: noqa: PT009 - Slicer runs them by unittest, whose assertions say what was found

from __future__ import annotations

import numpy as np
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

import slicer
from deepstroke.volume import LabelMap
from DeepStrokeASPECTSLib import views
from DeepStrokeASPECTSLib.logic import DeepStrokeASPECTSLogic
from DeepStrokeASPECTSLib.overlay_panel import difference_of
from DeepStrokeASPECTSLib.parameters import Device
from DeepStrokeASPECTSLib.review import Review
from DeepStrokeASPECTSLib.run import Run
from DeepStrokeASPECTSLib.sample import load_sample
from DeepStrokeSlicerLib.jobs import JobState
from DeepStrokeSlicerLib.nodes import volume_from_node
from DeepStrokeSlicerLib.segmentations import labels_from_segmentation, segment_labels
from DeepStrokeSlicerLib.sources import find_source
from DeepStrokeSlicerLib.timers import run_now

#: The sample's infarct lies in the left M2.
_LEFT_M2, _RIGHT_M2 = 6, 16


class DeepStrokeASPECTSTest(ScriptedLoadableModuleTest):
    """The sample scan from loading to an overruled score."""

    def setUp(self) -> None:
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        """Every test after another."""
        for test in (self.test_sample_is_tilted_ct, self.test_cancel, self.test_segment_and_overrule):
            self.setUp()
            test()

    def test_sample_is_tilted_ct(self) -> None:
        """The sample scan loads with 30 slices under 12 degrees of tilt."""
        self.delayDisplay("Load the sample scan")
        source = run_now(find_source(load_sample()))
        self.assertIsNotNone(source)
        self.assertEqual(len(source.slices), 30)
        self.assertAlmostEqual(source.tilt_deg, 12.0, places=1)

    def test_cancel(self) -> None:
        """A run that is cancelled leaves no process and no folder."""
        self.delayDisplay("Cancel a run")
        volume = load_sample()
        run = Run(volume, run_now(find_source(volume)), device=Device.CPU)
        self.assertIs(run.poll(), JobState.RUNNING)
        run.cancel()
        self.assertIs(run.poll(), JobState.CANCELLED)
        self.assertFalse(run.output.parent.exists())

    def test_segment_and_overrule(self) -> None:
        """Twenty regions lie on the volume's voxels, and a reader's word changes the score."""
        self.delayDisplay("Segment the sample scan (half a minute)")
        volume = load_sample()
        result = DeepStrokeASPECTSLogic().segment(volume, device=Device.CPU)
        self.assertEqual(sorted(segment_labels(result.segmentation).values()), list(range(1, 21)))
        labels = labels_from_segmentation(result.segmentation, volume_from_node(volume))
        self._assert_sides(labels)
        review = Review(result)
        before = review.scores["left"].score
        region = next(r for r in result.reading.regions if r.label == _LEFT_M2)
        other = "not-involved" if region.status == "involved" else "involved"
        review.overrule(region, other, "self test")
        self.assertEqual(review.trail[-1].after, other)
        if before is not None:
            self.assertNotEqual(review.scores["left"].score, before)
        views.stroke_window(volume)
        views.show_side_by_side(volume)
        self.delayDisplay("Compare both sides")
        self.assertLess(run_now(difference_of(result))[labels.data == _LEFT_M2].mean(), -2.0)
        views.show_in_3d(result.segmentation, visible=True)
        self.delayDisplay("Done")
        views.show_in_3d(result.segmentation, visible=False)
        views.leave_slices()

    def _assert_sides(self, labels: LabelMap) -> None:
        """Left is where the patient's left is: at lower R."""
        middles = (labels.ras_of(np.argwhere(labels.data == label).mean(axis=0)) for label in (_LEFT_M2, _RIGHT_M2))
        left, right = (float(middle[0]) for middle in middles)
        self.assertLess(left, right)
