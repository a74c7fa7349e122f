"""The whole chain on real and synthetic DICOM: outputs, sides, volumes, placement, refusals."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from deepstroke.cli import main
from deepstroke.regions import REGIONS, SIDED_REGIONS
from phantoms_network import write_weights

SAMPLE = Path(__file__).resolve().parents[2] / "Resources" / "SampleScan"
OUTPUTS = {
    "ct.nii.gz", "labels.nii.gz", "brain.nii.gz", "labels.seg.dcm", "report.sr.dcm", "figure.sc.dcm", "figure.png",
    "report.html", "report.json",
}  # fmt: skip


def _segment(path: Path, out: Path, *options: str) -> dict:
    """By the atlas alone, whatever weights are here, unless options say otherwise."""
    done = subprocess.run(
        [sys.executable, "-m", "deepstroke", "segment", str(path), "-o", str(out), "--method", "atlas", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "progress 0% read" in done.stdout
    return json.loads((out / "report.json").read_text())


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("sample") / "out"
    return out, _segment(SAMPLE, out)


@pytest.fixture(scope="module")
def ge_head(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Path, Path, dict]:
    folder = _module_data("ct/ge-head")
    out = tmp_path_factory.mktemp("ge") / "out"
    return folder, out, _segment(folder, out)


def _module_data(name: str) -> Path:
    import os

    root = Path(os.environ.get("DEEPSTROKE_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    if not (root / name).exists():
        pytest.skip(f"test data {name} is absent (set DEEPSTROKE_TEST_DATA to its parent folder)")
    return root / name


def _require_plausible_regions(report: dict) -> None:
    volumes = {(entry["region"], entry["side"]): entry["volume_ml"] for entry in report["regions"]}
    assert len(volumes) == 20
    for region in REGIONS:
        left, right = volumes[region.abbreviation, "left"], volumes[region.abbreviation, "right"]
        assert min(left, right) > 0.5, region.abbreviation
        assert max(left, right) / min(left, right) <= 1.25, (region.abbreviation, left, right)
    assert all(entry["assessable"] for entry in report["regions"])


def _require_sides_in_world(labels_path: Path) -> None:
    image = nibabel.load(labels_path)
    data = np.asarray(image.dataobj)
    x = {
        label: (np.argwhere(data == label).mean(0) @ image.affine[:3, :3].T + image.affine[:3, 3])[0]
        for label in range(1, 21)
    }
    for region in REGIONS:
        assert x[region.label("left")] + 5 < x[region.label("right")]


def test_the_sample_scan_gives_every_output(sample: tuple[Path, dict]) -> None:
    out, report = sample
    assert {path.name for path in out.iterdir()} == OUTPUTS
    assert {entry["name"] for entry in report["outputs"]} == OUTPUTS - {"report.html", "report.json"}
    keys = "series warnings method versions atlas weights_sha256 regions aspects timings_s peak_memory_mb"
    assert set(keys.split()) <= set(report)
    assert report["method"] == "atlas"
    assert report["weights_sha256"] is None
    assert "gantry-tilt" in {warning["code"] for warning in report["warnings"]}


def test_labels_and_ct_share_one_orthogonal_ras_grid(sample: tuple[Path, dict]) -> None:
    out, _ = sample
    ct, labels = nibabel.load(out / "ct.nii.gz"), nibabel.load(out / "labels.nii.gz")
    assert ct.shape == labels.shape
    assert np.allclose(ct.affine, labels.affine)
    assert nibabel.aff2axcodes(ct.affine) == ("R", "A", "S")
    axes = ct.affine[:3, :3] / np.linalg.norm(ct.affine[:3, :3], axis=0)
    assert np.abs(axes.T @ axes - np.eye(3)).max() < 1e-5


def test_the_sample_scan_is_segmented_like_its_truth(sample: tuple[Path, dict]) -> None:
    out, report = sample
    _require_plausible_regions(report)
    _require_sides_in_world(out / "labels.nii.gz")
    truth = nibabel.load(SAMPLE / "truth" / "labels.nii.gz")
    predicted = nibabel.load(out / "labels.nii.gz")
    dice = _dice_in_world(predicted, truth)
    assert np.mean(list(dice.values())) > 0.75, dice
    assert min(dice.values()) > 0.45, dice


def _dice_in_world(predicted: nibabel.Nifti1Image, truth: nibabel.Nifti1Image) -> dict[int, float]:
    from nibabel.processing import resample_from_to

    reference = np.asarray(resample_from_to(truth, predicted, order=0).dataobj).astype(int)
    found = np.asarray(predicted.dataobj).astype(int)
    return {
        label: 2 * np.count_nonzero((found == label) & (reference == label))
        / (np.count_nonzero(found == label) + np.count_nonzero(reference == label))
        for label in range(1, len(SIDED_REGIONS) + 1)
    }  # fmt: skip


def test_the_lesion_of_the_sample_scan_is_darker_on_the_left(sample: tuple[Path, dict]) -> None:
    _, report = sample
    mean = {(entry["region"], entry["side"]): entry["mean_hu"] for entry in report["regions"]}
    assert mean["M2", "left"] < mean["M2", "right"] - 1.0
    assert mean["I", "left"] < mean["I", "right"] - 1.0


def test_ge_head_holds_the_bounds(ge_head: tuple[Path, Path, dict]) -> None:
    _, out, report = ge_head
    _require_plausible_regions(report)
    _require_sides_in_world(out / "labels.nii.gz")
    brain = nibabel.load(out / "brain.nii.gz")
    millilitres = np.count_nonzero(brain.dataobj) * abs(np.linalg.det(brain.affine[:3, :3])) / 1000
    assert 1300 <= millilitres <= 1500
    assert report["series"]["tilt_deg"] == pytest.approx(18.5, abs=0.1)
    assert report["peak_memory_mb"] <= 3000


def test_ge_head_seg_lies_on_the_source_slices(ge_head: tuple[Path, Path, dict]) -> None:
    folder, out, _ = ge_head
    source = {}
    for path in folder.glob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        source[header.SOPInstanceUID] = np.array([*header.ImagePositionPatient, *header.ImageOrientationPatient], float)
    segmentation = pydicom.dcmread(out / "labels.seg.dcm")
    orientation = segmentation.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        uid = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        assert np.linalg.norm(position - source[uid][:3]) < 0.5
        assert np.abs(np.array(orientation, float) - source[uid][3:]).max() < 1e-3


def test_ge_head_labels_agree_between_grid_and_source_slices(ge_head: tuple[Path, Path, dict]) -> None:
    folder, out, _ = ge_head
    from deepstroke.dicom import choose_series, inspect, read_scan
    from deepstroke.dicom.seg import read_segmentation
    from deepstroke.nifti import read_label_map

    slices = read_scan(choose_series(inspect(folder))).slices
    on_slices = read_segmentation(out / "labels.seg.dcm").labels
    sampled = slices.sample(read_label_map(out / "labels.nii.gz"))
    agreement = (
        2
        * np.count_nonzero((on_slices == sampled) & (on_slices > 0))
        / (np.count_nonzero(on_slices) + np.count_nonzero(sampled))
    )
    assert agreement > 0.93


def test_the_axial_brain_series_of_a_whole_study_is_chosen(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    report = _segment(shared_data("ct/toshiba-study"), tmp_path / "out")
    assert report["series"]["number"] == 2
    _require_plausible_regions(report)
    _require_sides_in_world(tmp_path / "out" / "labels.nii.gz")


def test_a_phantom_is_refused_by_name(
    tmp_path: Path, shared_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(shared_data("ct/philips-phantom-tilted")), "-o", str(tmp_path), "--quiet"]) == 1
    assert "phantom" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["rejected.json"]


def test_labels_follow_the_patient_when_the_storage_is_turned(sample: tuple[Path, dict], tmp_path: Path) -> None:
    """Rows flipped, columns mirrored, slices reversed and renamed, tags in step: the same patient, the same labels."""
    turned = tmp_path / "turned"
    turned.mkdir()
    files = sorted(path for path in (SAMPLE / "series").iterdir())
    for number, path in enumerate(files):
        _write_turned(pydicom.dcmread(path), len(files) - number, turned / f"{(number * 7) % len(files):03d}.dcm")
    _segment(turned, tmp_path / "out")
    # The grid starts at another slice's corner, half a pixel aside, so labels are compared in the patient.
    expected, found = (nibabel.load(folder / "labels.nii.gz") for folder in (sample[0], tmp_path / "out"))
    dice = _dice_in_world(found, expected)
    assert min(dice.values()) > 0.93, dice
    _require_sides_in_world(tmp_path / "out" / "labels.nii.gz")


def _write_turned(dataset: pydicom.Dataset, instance: int, path: Path) -> None:
    """Store a slice rotated by 180 degrees in its plane, as for a patient scanned the other way up."""
    pixels = dataset.pixel_array
    position, orientation = (
        np.array(dataset[name].value, float) for name in ("ImagePositionPatient", "ImageOrientationPatient")
    )
    rows, columns = pixels.shape
    row_step, column_step = (float(step) for step in dataset.PixelSpacing)
    far = position + orientation[:3] * column_step * (columns - 1) + orientation[3:] * row_step * (rows - 1)
    dataset.ImagePositionPatient = [f"{value:.10g}"[:16] for value in far]
    dataset.ImageOrientationPatient = [f"{value:.10g}"[:16] for value in -orientation]
    dataset.PatientPosition = "HFP"
    dataset.InstanceNumber = instance
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.PixelData = np.ascontiguousarray(pixels[::-1, ::-1]).tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)


def test_clipping_takes_regions_off_bone_and_ventricles(tmp_path: Path, sample: tuple[Path, dict]) -> None:
    _segment(SAMPLE, tmp_path / "csf", "--clip", "csf")
    clipped, whole = (
        np.asarray(nibabel.load(folder / "labels.nii.gz").dataobj) for folder in (tmp_path / "csf", sample[0])
    )
    assert np.count_nonzero(clipped) < np.count_nonzero(whole)
    assert np.array_equal(clipped[clipped > 0], whole[clipped > 0])
    brain = np.asarray(nibabel.load(tmp_path / "csf" / "brain.nii.gz").dataobj)
    assert not clipped[brain == 0].any()


def test_a_nifti_of_the_same_scan_gives_the_same_labels_without_seg(sample: tuple[Path, dict], tmp_path: Path) -> None:
    shutil.copy(sample[0] / "ct.nii.gz", tmp_path / "scan.nii.gz")
    report = _segment(tmp_path / "scan.nii.gz", tmp_path / "out")
    assert not (tmp_path / "out" / "labels.seg.dcm").exists()
    assert "no-dicom-source" in {warning["code"] for warning in report["warnings"]}
    expected, found = (np.asarray(nibabel.load(f / "labels.nii.gz").dataobj) for f in (sample[0], tmp_path / "out"))
    assert (expected != found).mean() < 1e-2


@pytest.fixture
def atlas_network(tmp_path: Path) -> Path:
    """Weights of a network by hand that lays the atlas onto the middle of the brain."""
    return write_weights(tmp_path / "weights", "laid", "phantom-atlas")


def test_the_network_alone_gives_its_outputs(atlas_network: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--method", "unet", "--weights", str(atlas_network), "--backend", "torch", "--quiet"]
    assert main(["segment", str(SAMPLE), "-o", str(out), *options]) == 0
    report = json.loads((out / "report.json").read_text())
    assert {path.name for path in out.iterdir()} == OUTPUTS | {"confidence.nii.gz"}
    assert (report["method"], report["method_reason"], report["leader"]) == ("unet", "asked for", "unet")
    assert report["weights_sha256"] == json.loads(atlas_network.with_suffix(".json").read_text())["sha256"]
    assert (report["network"]["weights"], report["network"]["backend"]) == ("laid", "PyTorch float32 on cpu")
    assert report["network"]["pose"]["residual_mm"] < 0.1
    assert (report["atlas"], report["registration"], report["agreement"]) == (None, None, None)
    assert all(0.5 < entry["confidence"] <= 1 for entry in report["regions"])
    assert {"network", "network labels"} <= set(report["timings_s"])
    _require_sides_in_world(out / "labels.nii.gz")
    confidence, brain, labels = (
        np.asarray(nibabel.load(out / f"{name}.nii.gz").dataobj) for name in ("confidence", "brain", "labels")
    )
    assert confidence[brain == 0].max() == 0
    assert 0 < confidence[brain > 0].min() <= confidence.max() <= 1
    assert not labels[brain == 0].any()
    truth = nibabel.load(SAMPLE / "truth" / "labels.nii.gz")
    assert np.mean(list(_dice_in_world(nibabel.load(out / "labels.nii.gz"), truth).values())) > 0.5
    _require_seg_as_grid(SAMPLE / "series", out)
    assert "The network" in (out / "report.html").read_text()


def _require_seg_as_grid(series: Path, out: Path) -> None:
    """The SEG's labels are those of the grid, but for the step between a voxel and a pixel."""
    from deepstroke.dicom import choose_series, inspect, read_scan
    from deepstroke.dicom.seg import read_segmentation
    from deepstroke.nifti import read_label_map

    on_slices = read_segmentation(out / "labels.seg.dcm").labels
    sampled = read_scan(choose_series(inspect(series))).slices.sample(read_label_map(out / "labels.nii.gz"))
    both = np.count_nonzero((on_slices == sampled) & (on_slices > 0))
    assert 2 * both / (np.count_nonzero(on_slices) + np.count_nonzero(sampled)) > 0.93


def test_both_routes_lead_as_measured_and_say_where_they_part(tmp_path: Path, sample: tuple[Path, dict]) -> None:
    weights = write_weights(tmp_path / "weights", "aside", "phantom-atlas", {"aside_mm": 9.0})
    out = tmp_path / "out"
    options = ["--method", "both", "--weights", str(weights), "--backend", "torch", "--quiet"]
    assert main(["segment", str(SAMPLE), "-o", str(out), *options]) == 0
    report = json.loads((out / "report.json").read_text())
    assert (report["method"], report["leader"]) == ("both", "atlas")
    assert {path.name for path in out.iterdir()} == OUTPUTS | {"confidence.nii.gz", "labels-unet.nii.gz"}
    assert np.array_equal(
        np.asarray(nibabel.load(out / "labels.nii.gz").dataobj),
        np.asarray(nibabel.load(sample[0] / "labels.nii.gz").dataobj),
    )
    dice = {(one["region"], one["side"]): one["dice"] for one in report["agreement"]["regions"]}
    assert len(dice) == 20
    assert dice["C", "left"] < 0.6  # a caudate is 7 mm wide, and the network lays it 9 mm aside
    (parted,) = [warning for warning in report["warnings"] if warning["code"] == "routes-part"]
    assert "left C" in parted["message"]
    found = {(entry["region"], entry["side"]): entry["confidence"] for entry in report["regions"]}
    assert found["C", "left"] < 0.6
    assert report["weights_sha256"] is not None
    assert report["atlas"]["name"] == "deepstroke-mni152"
    assert "<b>part</b>" in (out / "report.html").read_text()


def test_altered_weights_are_refused_by_name(
    atlas_network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(atlas_network.read_bytes())
    content[-1] ^= 1
    atlas_network.write_bytes(content)
    options = ["--method", "unet", "--weights", str(atlas_network), "--quiet"]
    assert main(["segment", str(SAMPLE), "-o", str(tmp_path / "out"), *options]) == 1
    assert "laid.safetensors was altered or cut short" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "rejected.json").read_text())["code"] == "sha256"
