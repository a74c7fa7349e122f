"""The section for infarcts, clicked in the host: a real tiny network in the child, and results made by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from panel_use import node, run_folders
from readings import SHAPE, TILTED, brain_mask, tilted_ct, write_infarct

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS
from deepstroke.nifti import read_label_map
from deepstroke.preprocess.resampling import Grid, resample
from deepstroke.volume import Volume

if TYPE_CHECKING:
    from host import Host

MAPS = ["lesion-probability", *(each.file for each in ASYMMETRY_MAPS)]


def manifest(folder: Path, name: str, kind: str) -> Path:
    """Weights of a kind, of which a panel sees the manifest alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"network": {"name": kind}}))
    (folder / f"{name}.safetensors").write_bytes(b"")
    return folder / f"{name}.safetensors"


@pytest.fixture
def finder(panel: Any, tmp_path: Path) -> Any:
    """The open panel with a tilted CT and a model chosen."""
    panel.ui.infarctModel.currentPath = str(manifest(tmp_path / "models", "finder", "adn"))
    assert panel.ui.infarctButton.enabled
    return panel


def children() -> int:
    return len(psutil.Process().children(recursive=True))


def folder_of(item_node: Any) -> str:
    """Name of the folder in which a node stands in the subject hierarchy."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    return str(hierarchy.GetItemName(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(item_node))))


def foreground() -> tuple[Any, float]:
    """What lies over the scan in the main view, and how opaque it is."""
    import slicer

    composite = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    identity = composite.GetForegroundVolumeID()
    return identity and slicer.mrmlScene.GetNodeByID(identity), composite.GetForegroundOpacity()


def test_without_a_model_the_panel_says_kindly_why_and_what_to_do(panel: Any, tmp_path: Path) -> None:
    ui = panel.ui
    assert not ui.infarctButton.enabled
    assert ui.infarctModelNote.text.startswith("No weights that find infarcts come with DeepStroke: none")
    assert ui.infarctButton.toolTip == ui.infarctModelNote.text
    other = manifest(tmp_path, "other", "unet3d")
    lonely, damaged = tmp_path / "lonely.safetensors", manifest(tmp_path, "damaged", "adn")
    lonely.write_bytes(b"")
    damaged.with_suffix(".json").write_text("{")
    for path, words in (
        (tmp_path / "absent.safetensors", "absent.safetensors is no file of weights"),
        (other.with_suffix(".json"), "other.json is no file of weights"),
        (other, "other.safetensors holds weights of unet3d, which finds no infarcts"),
        (lonely, "lonely.json, which says what the weights are, is missing"),
        (damaged, "damaged.json, which says what the weights are, is missing beside them or damaged"),
    ):
        ui.infarctModel.currentPath = str(path)
        assert ui.infarctModelNote.text.startswith(words)
        assert not ui.infarctButton.enabled
    ui.infarctModel.currentPath = str(manifest(tmp_path, "finder", "adn"))
    assert ui.infarctModelNote.text == ""
    assert ui.infarctButton.enabled


def test_an_installed_model_is_chosen_and_a_scan_is_needed(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path))
    manifest(tmp_path / "models", "another", "unet3d")
    installed = manifest(tmp_path / "models", "finder", "adn")
    opened = host.open("DeepStrokeASPECTS")
    assert opened.ui.infarctModel.currentPath == str(installed)
    assert not opened.ui.infarctButton.enabled
    assert opened.ui.infarctButton.toolTip == "Choose a head CT that can be read"


def test_a_real_network_finds_the_infarct_on_the_scans_own_voxels(host: Host, tmp_path: Path) -> None:
    from DeepStrokeSlicerLib.nodes import node_from_volume, volume_from_node
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation
    from phantoms_head import HeadPhantom, head_grid
    from phantoms_infarct import decided, written

    scan, _ = HeadPhantom().sample(head_grid((2.0, 2.0, 4.0)))
    opened = host.open("DeepStrokeASPECTS")
    volume = node_from_volume(scan, "head")
    opened.ui.inputSelector.setCurrentNode(volume)
    opened.ui.infarctModel.currentPath = str(written(decided(9.0), tmp_path))
    host.wait_until(lambda: opened.ui.infarctButton.enabled)
    opened.ui.infarctButton.click()
    assert opened.ui.infarctCancelButton.enabled
    host.wait_until(lambda: not opened.infarct.busy)
    assert host.messages == []
    result = opened.infarct.result
    brain = read_label_map(result.folder / "brain.nii.gz")
    found = labels_from_segmentation(result.segmentation, volume_from_node(volume), {"mask": 1})
    np.testing.assert_array_equal(found.data, brain.data)  # The network calls all of the brain infarct.
    assert list(result.maps) == MAPS
    assert opened.ui.infarctLabel.text.startswith(f"Infarct: {brain.volume_ml():.1f} ml (left ")
    image = volume_from_node(result.maps["x"])
    shown = image.ras_of(np.argwhere(image.data > 0.2)).mean(axis=0)
    np.testing.assert_allclose(shown, brain.ras_of(np.argwhere(brain.mask)).mean(axis=0), atol=4.0)
    assert opened.ui.infarctReportButton.enabled


def test_results_of_a_folder_are_shown_without_a_scan(host: Host, tmp_path: Path) -> None:
    from DeepStrokeASPECTSLib import views
    from DeepStrokeSlicerLib.nodes import volume_from_node

    folder = write_infarct(tmp_path / "earlier")
    opened = host.open("DeepStrokeASPECTS")
    assert not opened.ui.infarctShowButton.enabled
    opened.ui.infarctFolder.currentPath = str(folder)
    opened.ui.infarctShowButton.click()
    host.wait_until(lambda: not opened.infarct.busy)
    result = opened.infarct.result
    assert result.volume.GetName() == "earlier CT"
    assert views.is_background(result.volume)
    assert {folder_of(one) for one in (result.segmentation, *result.maps.values())} == {"earlier CT infarct (ADN)"}
    expected = "Infarct: 12.3 ml (left 12.0 ml, right 0.3 ml) by finder, a research model that no one validated."
    assert opened.ui.infarctLabel.text == expected
    turned = volume_from_node(result.maps["a"])
    np.testing.assert_allclose(turned.ijk_to_ras, read_affine(folder / "maps" / "a.nii.gz"), atol=1e-4)
    opened.infarct.close()
    assert (folder / "infarct.json").is_file(), "a folder that the reader chose is never removed"


def read_affine(path: Path) -> np.ndarray:
    from deepstroke.nifti import read_volume

    return read_volume(path).ijk_to_ras


def test_maps_are_shown_over_the_scan_in_fitting_windows(host: Host, tmp_path: Path) -> None:
    opened = host.open("DeepStrokeASPECTS")
    opened.ui.infarctFolder.currentPath = str(write_infarct(tmp_path / "earlier"))
    opened.ui.infarctShowButton.click()
    host.wait_until(lambda: not opened.infarct.busy)
    box, maps = opened.ui.infarctMapComboBox, opened.infarct.result.maps
    assert box.count == 1 + len(MAPS)

    def window(name: str) -> tuple[float, float]:
        display = maps[name].GetDisplayNode()
        return display.GetWindowLevelMin(), display.GetWindowLevelMax()

    for index, name in enumerate(MAPS, start=1):
        box.setCurrentIndex(index)
        shown, opacity = foreground()
        assert shown is maps[name]
        assert (opacity == 1.0) == (name in ("x", "x-hat", "x-tilde")), name
    assert window("x") == window("x-hat") == window("x-tilde") == pytest.approx((0.25, 0.75))
    assert window("a") == window("p") == window("q") == pytest.approx((0.0, 0.2))
    assert window("lesion-probability") == pytest.approx((0.0, 1.0))
    for name in ("a", "p", "q"):
        assert maps[name].GetDisplayNode().GetLowerThreshold() == pytest.approx(0.04), "what isn't darker isn't drawn"
    assert not maps["x"].GetDisplayNode().GetApplyThreshold()
    box.setCurrentIndex(0)
    assert foreground()[0] is None


def test_what_was_found_on_a_tilted_scan_lies_on_its_voxels_and_is_saved(
    host: Host, finder: Any, infarct_child: Callable[[str], None], tmp_path: Path
) -> None:
    from DeepStrokeASPECTSLib import views
    from DeepStrokeSlicerLib.nodes import volume_from_node
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation

    infarct_child("copy")
    finder.ui.infarctButton.click()
    host.wait_until(lambda: not finder.infarct.busy)
    result = finder.infarct.result
    found = labels_from_segmentation(result.segmentation, volume_from_node(result.volume), {"mask": 1})
    left = resample(left_half(), Grid(SHAPE, TILTED), order=0)
    assert np.mean(found.data != left.data) < 1e-3
    areas = found.data.sum(axis=(0, 1))
    shown = views.slice_node("Red").GetSliceToRAS().MultiplyPoint((0, 0, 0, 1))[:3]
    k = np.linalg.inv(TILTED) @ (*shown, 1.0)
    assert areas[int(np.rint(k[2]))] == areas.max() > 0, "the slice with most of the infarct is shown"
    target = tmp_path / "saved"
    target.mkdir()
    finder.ui.infarctFolder.currentPath = str(target)
    assert finder.ui.infarctSaveButton.enabled
    finder.ui.infarctSaveButton.click()
    assert {path.name for path in (target / "maps").iterdir()} == {f"{name}.nii.gz" for name in MAPS[1:]}
    assert "12 files written" in finder.ui.infarctLabel.text
    finder.ui.infarctSaveButton.click()
    assert host.messages.pop() == ("errorDisplay", f"{target} holds results already; choose another folder.")


def left_half() -> Volume:
    """The infarct that `write_infarct` makes."""
    brain = brain_mask()
    left = brain.data.copy()
    left[brain.shape[0] // 2 :] = 0
    return brain.with_labels(left)


@pytest.fixture
def infarct_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Says what the child process does: ``copy`` a result, ``fail``, or ``wait``."""
    from panel_use import CHILD

    from DeepStrokeSlicerLib.jobs import Job

    script, folder = tmp_path / "child.py", write_infarct(tmp_path / "made")
    script.write_text(CHILD, encoding="utf-8")

    def use(mode: str) -> None:
        command = [sys.executable, str(script), str(folder), mode]
        monkeypatch.setattr(Job, "_deepstroke", staticmethod(lambda: command))

    return use


def test_scripts_find_an_infarct_without_the_panel(
    host: Host, infarct_child: Callable[[str], None], tmp_path: Path
) -> None:
    from DeepStrokeASPECTSLib.logic import DeepStrokeASPECTSLogic
    from DeepStrokeSlicerLib.jobs import JobFailedError
    from DeepStrokeSlicerLib.nodes import node_from_volume

    volume, folders = node_from_volume(tilted_ct(), "CT"), run_folders()
    infarct_child("copy")
    result = DeepStrokeASPECTSLogic().find_infarct(volume, tmp_path / "finder.safetensors")
    assert (result.volume, result.figures.total_ml) == (volume, 12.34)
    infarct_child("fail")
    with pytest.raises(JobFailedError, match="no head was found"):
        DeepStrokeASPECTSLogic().find_infarct(volume, tmp_path / "finder.safetensors")
    assert run_folders() - folders == {result.folder.parent.name}, "a failed run leaves no folder"


def test_the_child_is_told_the_model_and_the_device(finder: Any, tmp_path: Path) -> None:
    from DeepStrokeASPECTSLib.handover import infarct_arguments
    from DeepStrokeASPECTSLib.parameters import Device

    model = tmp_path / "models" / "finder.safetensors"
    words = infarct_arguments(Path("in"), Path("out"), model, Device.CPU)
    assert words == ["segment", "in", "--output", "out", "--model", str(model), "--device", "cpu"]


def test_the_search_is_cancelled_and_its_failure_told(
    host: Host, finder: Any, infarct_child: Callable[[str], None]
) -> None:
    folders, processes = run_folders(), children()
    infarct_child("wait")
    finder.ui.infarctButton.click()
    host.wait_until(lambda: "registration" in finder.ui.infarctLabel.text)
    assert not finder.ui.infarctButton.enabled
    finder.ui.infarctCancelButton.click()
    assert (run_folders(), children()) == (folders, processes)
    assert (finder.ui.infarctLabel.text, finder.ui.infarctButton.enabled) == ("cancelled", True)
    infarct_child("fail")
    finder.ui.infarctButton.click()
    host.wait_until(lambda: not finder.infarct.busy)
    assert host.messages.pop() == ("errorDisplay", "The infarct can't be shown.\n\nno head was found in the scan")
    assert run_folders() == folders


def test_closing_the_scene_removes_the_runs_files_and_ends_the_next(
    host: Host, finder: Any, infarct_child: Callable[[str], None]
) -> None:
    import slicer

    folders, processes = run_folders(), children()
    infarct_child("copy")
    finder.ui.infarctButton.click()
    host.wait_until(lambda: not finder.infarct.busy)
    assert run_folders() != folders
    infarct_child("wait")
    finder.ui.infarctButton.click()
    slicer.mrmlScene.Clear(0)
    host.turn()
    assert (run_folders(), children()) == (folders, processes)
    assert finder.infarct.result is None
    assert finder.ui.infarctMapComboBox.count == 0
    assert not finder.ui.infarctButton.enabled


def test_a_volume_that_is_removed_meanwhile_is_told(
    host: Host, finder: Any, infarct_child: Callable[[str], None]
) -> None:
    import slicer

    infarct_child("copy")
    finder.ui.infarctButton.click()
    slicer.mrmlScene.RemoveNode(node("vtkMRMLScalarVolumeNode"))
    host.wait_until(lambda: not finder.infarct.busy)
    kind, text = host.messages.pop()
    assert (kind, "was removed from the scene" in text) == ("errorDisplay", True)
    assert finder.infarct.result is None


@pytest.mark.parametrize("damage", ["infarct.json", "infarct.nii.gz", "maps/a.nii.gz", "ct.nii.gz"])
def test_a_damaged_folder_is_named(host: Host, tmp_path: Path, damage: str) -> None:
    folder = write_infarct(tmp_path / "earlier")
    (folder / damage).write_bytes(b"{")
    opened = host.open("DeepStrokeASPECTS")
    opened.ui.infarctFolder.currentPath = str(folder)
    opened.ui.infarctShowButton.click()
    host.wait_until(lambda: not opened.infarct.busy)
    kind, text = host.messages.pop()
    assert kind == "errorDisplay"
    assert Path(damage).name in text
    assert opened.ui.infarctShowButton.enabled


def test_a_map_that_the_reader_removed_is_no_error(host: Host, tmp_path: Path) -> None:
    import slicer

    opened = host.open("DeepStrokeASPECTS")
    opened.ui.infarctFolder.currentPath = str(write_infarct(tmp_path / "earlier"))
    opened.ui.infarctShowButton.click()
    host.wait_until(lambda: not opened.infarct.busy)
    opened.ui.infarctMapComboBox.setCurrentIndex(2)
    slicer.mrmlScene.RemoveNode(opened.infarct.result.maps["a"])
    opened.ui.infarctMapComboBox.setCurrentIndex(1 + MAPS.index("a"))
    assert foreground()[0] is None


def test_an_older_figures_file_has_no_sides(tmp_path: Path, host: Host) -> None:
    from DeepStrokeASPECTSLib.infarct_result import read_figures

    path = tmp_path / "infarct.json"
    path.write_text('{"infarct_ml": 12.34, "weights": {"name": "finder"}}')
    figures = read_figures(path)
    assert (figures.total_ml, figures.left_ml, figures.right_ml) == (12.34, None, None)
    assert (figures.model, figures.hu_range, figures.warnings) == ("finder", (0.0, 80.0), ())
