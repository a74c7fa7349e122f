"""Reading a series: HU and geometry are exact on tilted, oblique, uneven, turned and compressed stacks."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from deepstroke.dicom import Scan, choose_series, inspect, read_scan, read_series
from deepstroke.errors import DicomSeriesError, InputError
from deepstroke.volume import Volume
from phantoms import (
    AIR_HU,
    LANDMARK_RAS,
    Stack,
    axial_stack,
    ct_slices,
    landmark_ras,
    multi_frame,
    ramp_hu,
    set_stored,
    stored_values,
    write,
    write_series,
)

TO_RAS = np.array([-1.0, -1.0, 1.0])
UNEVEN = [-77.0, -73.0, -69.0, -65.0, -61.0, -57.0, -53.0, -49.0, -47.9, *np.arange(-40.0, 78.0, 7.0)]
TURNED_45 = ((np.sqrt(0.5), np.sqrt(0.5), 0.0), (-np.sqrt(0.5), np.sqrt(0.5), 0.0))

STACKS: dict[str, Stack] = {
    "upright": axial_stack(),
    "tilted": axial_stack(tilt_deg=18.5),
    "tilted the other way": axial_stack(tilt_deg=-12.0),
    "uneven and tilted": axial_stack(UNEVEN, tilt_deg=18.5),
    "prone": axial_stack(row_direction=(-1, 0, 0), column_direction=(0, -1, 0), tilt_deg=10.0),
    "decubitus": axial_stack(row_direction=(0, 1, 0), column_direction=(-1, 0, 0)),
    "feet first": axial_stack(np.arange(77.5, -80.0, -5.0), row_direction=(-1, 0, 0), column_direction=(0, 1, 0)),
    "flipped rows": axial_stack(row_direction=(1, 0, 0), column_direction=(0, -1, 0)),
    "rolled by 45 degrees": axial_stack(row_direction=TURNED_45[0], column_direction=TURNED_45[1], tilt_deg=8.0),
    "thin": axial_stack(np.arange(-60.0, 60.0, 1.5), thickness=1.5),
}


def read(folder: Path) -> Scan:
    return read_scan(choose_series(inspect(folder)))


def voxel_ras(volume: Volume) -> NDArray[np.float64]:
    return volume.ras_of(np.moveaxis(np.indices(volume.shape), 0, -1))


def inside(stack: Stack, ras: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Voxels that lie at least a pixel inside every slice of the stack, so that nothing is extrapolated."""
    axes = np.array([stack.row_direction, stack.column_direction])
    steps = np.array(stack.spacing[::-1])
    low = (stack.positions @ axes.T).max(axis=0) + steps
    high = (stack.positions @ axes.T).min(axis=0) + steps * (stack.columns - 2, stack.rows - 2)
    along = (ras * TO_RAS) @ axes.T
    return np.asarray(((along > low) & (along < high)).all(axis=-1))


@pytest.mark.parametrize("name", STACKS)
def test_a_linear_field_stands_where_it_was_scanned_within_0_01_mm(name: str, tmp_path: Path) -> None:
    """Linear interpolation keeps a linear field, so its value at a voxel tells the voxel's true place."""
    stack = STACKS[name]
    for axis in range(3):
        gradient = np.eye(3)[axis] * 4.0
        slices = ct_slices(stack, ramp_hu(gradient), RescaleSlope=0.02, RescaleIntercept=-600.0)
        write_series(tmp_path / str(axis), slices)
        volume = read(tmp_path / str(axis)).volume
        ras = voxel_ras(volume)
        kept = inside(stack, ras)
        assert kept.mean() > 0.3
        error_mm = (volume.data[kept] - (ras * TO_RAS)[kept] @ gradient) / 4.0
        assert np.abs(error_mm).max() < 0.01


@pytest.mark.parametrize("name", STACKS)
def test_the_landmark_stays_left_in_front_and_above(name: str, tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(STACKS[name]))
    volume = read(tmp_path).volume
    assert volume.is_orthogonal
    assert np.array_equal(np.abs(volume.ijk_to_ras[:3, :3]).argmax(axis=0), [0, 1, 2]) or "45" in name
    assert (np.diag(volume.ijk_to_ras)[:3] > 0).all()
    assert np.linalg.norm(landmark_ras(volume.data, voxel_ras(volume)) - LANDMARK_RAS) < 1.0


@pytest.mark.parametrize("name", STACKS)
def test_labels_go_back_to_the_very_pixels_of_the_source(name: str, tmp_path: Path) -> None:
    """Each source pixel gets the voxel that is nearest to it: never further off than half a voxel's diagonal."""
    stack = STACKS[name]
    datasets = ct_slices(stack)
    write_series(tmp_path, datasets)
    scan = read(tmp_path)
    by_uid = {dataset.SOPInstanceUID: k for k, dataset in enumerate(datasets)}
    order = [by_uid[uid] for uid in scan.slices.sop_instance_uids]
    coordinates = [
        scan.slices.sample(scan.volume.with_data(voxel_ras(scan.volume)[..., axis].astype(np.float32)), outside=np.nan)
        for axis in range(3)
    ]
    nearest = np.stack(coordinates, axis=-1)
    truth = np.stack([stack.pixel_lps(k) for k in order]) * TO_RAS
    distance = np.linalg.norm(nearest - truth, axis=-1)
    assert np.isfinite(distance).mean() > 0.99
    assert np.nanmax(distance) <= 0.5 * np.linalg.norm(scan.volume.spacing_mm) + 1e-4


def test_every_source_slice_knows_its_place_exactly(tmp_path: Path) -> None:
    stack = STACKS["uneven and tilted"]
    datasets = ct_slices(stack)
    write_series(tmp_path, datasets)
    slices = read(tmp_path).slices
    place = {dataset.SOPInstanceUID: stack.pixel_lps(k) * TO_RAS for k, dataset in enumerate(datasets)}
    for k, uid in enumerate(slices.sop_instance_uids):
        assert np.abs(slices.pixel_ras(k) - place[uid]).max() < 1e-6
        corner = slices.slice_to_ras(k) @ (stack.columns - 1, stack.rows - 1, 0, 1)
        assert np.abs(corner[:3] - place[uid][-1, -1]).max() < 1e-6


def test_upright_even_slices_keep_every_value(tmp_path: Path) -> None:
    datasets = ct_slices(axial_stack())
    write_series(tmp_path, datasets)
    scan = read(tmp_path)
    stored = np.stack([stored_values(dataset) for dataset in datasets]).astype(np.float32) - 1024
    assert scan.volume.data.dtype == np.float32
    assert np.array_equal(scan.volume.data[::-1, ::-1].transpose(2, 1, 0), stored)


def test_sampling_with_interpolation_gives_the_slices_back(tmp_path: Path) -> None:
    stack = axial_stack(tilt_deg=18.5)
    write_series(tmp_path, ct_slices(stack, ramp_hu((2.0, 1.0, 3.0)), RescaleSlope=0.02, RescaleIntercept=-600.0))
    scan = read(tmp_path)
    back = scan.slices.sample(scan.volume, order=1, outside=np.nan)
    truth = np.stack([stack.pixel_lps(k) for k in range(len(stack))]) @ (2.0, 1.0, 3.0)
    middle = np.s_[:, 2:-2, 2:-2]
    assert np.abs(back[middle] - truth[middle]).max() < 0.05


def test_the_real_tilted_uneven_head_keeps_its_values_and_places(shared_data: Callable[[str], Path]) -> None:
    """Against an affine computed here from the positions alone."""
    folder = shared_data("ct/ge-head")
    scan = read(folder)
    datasets = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, folder.iterdir())}
    rng = np.random.default_rng(0)
    differences = []
    for k, uid in enumerate(scan.slices.sop_instance_uids):
        header = datasets[uid]
        rows, columns = rng.integers(60, 450, (2, 400))
        direction = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
        steps = np.outer(columns * float(header.PixelSpacing[1]), direction[0])
        steps += np.outer(rows * float(header.PixelSpacing[0]), direction[1])
        ras = (np.array(header.ImagePositionPatient, float) + steps) * TO_RAS
        assert np.abs(scan.slices.pixel_ras(k)[rows, columns] - ras).max() < 0.01
        hu = header.pixel_array[rows, columns].astype(float)
        nearest = np.rint(scan.volume.ijk_of(ras)).astype(int)
        brain = (hu > -20) & (hu < 80)
        differences.append(np.abs(scan.volume.data[tuple(nearest[brain].T)] - hu[brain]))
    assert scan.series.tilt_deg == pytest.approx(18.5, abs=0.01)
    assert len(scan.slices) == 28
    assert scan.volume.shape[2] < 45
    assert np.median(np.concatenate(differences)) < 3.0
    assert {"gantry-tilt", "uneven-steps"} <= {finding.code for finding in scan.findings}


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
        JPEGLosslessSV1,
    ],
    ids=lambda syntax: syntax.keyword,
)
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_every_transfer_syntax_gives_the_same_values(syntax: pydicom.uid.UID, signed: bool, tmp_path: Path) -> None:
    tags = {"PixelRepresentation": 1, "RescaleIntercept": 0.0} if signed else {}
    slices = ct_slices(axial_stack(np.arange(-50.0, 60.0, 10.0), thickness=10.0), **tags)
    write_series(tmp_path / "native", slices)
    write_series(tmp_path / "other", slices, syntax)
    native, other = read(tmp_path / "native").volume, read(tmp_path / "other").volume
    assert native.same_grid(other)
    assert np.array_equal(native.data, other.data)
    assert native.data.min() == AIR_HU


@pytest.mark.parametrize("order", [None, list(range(31, -1, -1))], ids=["frames upwards", "frames downwards"])
def test_an_enhanced_multi_frame_image_is_read_like_its_slices(order: list[int] | None, tmp_path: Path) -> None:
    slices = ct_slices(axial_stack(tilt_deg=10.0))
    write_series(tmp_path / "slices", slices)
    image = write(multi_frame(slices, order), tmp_path / "frames" / "IM0")
    single, scan = read(tmp_path / "slices"), read(tmp_path / "frames")
    assert single.volume.same_grid(scan.volume)
    assert np.array_equal(single.volume.data, scan.volume.data)
    assert scan.slices.frame_numbers[0] == (1 if order is None else 32)
    numbered = np.arange(32)[:, None, None] * np.ones((1, 88, 80), int)
    in_file = scan.slices.in_source_order(numbered)[:, 0, 0]
    assert list(in_file) == (list(range(32)) if order is None else order)
    assert [d.SOPInstanceUID for d in scan.slices.read_sources()] == [pydicom.dcmread(image).SOPInstanceUID]


def test_frames_whose_geometry_stands_in_each_frame_are_read(tmp_path: Path) -> None:
    image = multi_frame(ct_slices(axial_stack()))
    shared = image.SharedFunctionalGroupsSequence[0]
    for frame in image.PerFrameFunctionalGroupsSequence:
        frame.PlaneOrientationSequence = shared.PlaneOrientationSequence
        frame.PixelValueTransformationSequence = shared.PixelValueTransformationSequence
    del shared.PlaneOrientationSequence, shared.PixelValueTransformationSequence
    write(image, tmp_path / "IM0")
    assert read(tmp_path).volume.shape == (80, 88, 32)


def test_a_changing_intercept_is_applied_slice_by_slice_and_flagged(tmp_path: Path) -> None:
    stack = axial_stack()
    constant = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.3.5"}
    low = ct_slices(stack.only(range(16)), series=constant, RescaleIntercept=-1024.0)
    high = ct_slices(stack.only(range(16, 32)), series=constant, RescaleIntercept=-1000.0)
    for number, dataset in enumerate(low + high, start=1):
        dataset.InstanceNumber = number
    write_series(tmp_path / "changing", low + high)
    write_series(tmp_path / "constant", ct_slices(stack))
    scan = read(tmp_path / "changing")
    assert np.array_equal(scan.volume.data, read(tmp_path / "constant").volume.data)
    (finding,) = [finding for finding in scan.findings if finding.code == "changing-rescale"]
    assert "-1024 to -1000" in finding.message


@pytest.mark.parametrize(
    ("padding", "declared"),
    [
        (-2000, {"PixelPaddingValue": -2000}),
        (-2000, {"PixelPaddingValue": -3000, "PixelPaddingRangeLimit": -1900}),
        (-3024, {}),
    ],
    ids=["value", "range", "undeclared"],
)
def test_padding_becomes_air_before_the_rescale(padding: int, declared: dict[str, int], tmp_path: Path) -> None:
    slices = ct_slices(axial_stack(), PixelRepresentation=1, RescaleIntercept=-24.0, **declared)
    for dataset in slices:
        stored = stored_values(dataset).copy()
        stored[:6, :7] = padding
        set_stored(dataset, stored)
    write_series(tmp_path, slices)
    scan = read(tmp_path)
    assert scan.volume.data.min() == -1024.0
    assert scan.padding[:, :6, :7].all()
    assert not scan.padding[:, 6:].any()


def test_padding_given_with_the_other_sign_is_found(tmp_path: Path) -> None:
    slices = ct_slices(axial_stack(), PixelPaddingValue=63536)
    for dataset in slices:
        stored = stored_values(dataset).copy()
        stored[0] = 63536
        set_stored(dataset, stored)
    write_series(tmp_path, slices)
    assert read(tmp_path).volume.data.max() == 900.0


@pytest.mark.parametrize("bits", [12, 16])
def test_a_wrongly_declared_sign_is_refused(bits: int, tmp_path: Path) -> None:
    slices = ct_slices(axial_stack(), PixelRepresentation=1, RescaleIntercept=0.0, BitsStored=bits, HighBit=bits - 1)
    for dataset in slices:
        dataset.PixelRepresentation = 0
    write_series(tmp_path, slices)
    with pytest.raises(DicomSeriesError, match="Pixel Representation"):
        choose_series(inspect(tmp_path))


def test_bits_beyond_those_stored_are_ignored(tmp_path: Path) -> None:
    """Old overlays live in the upper bits of each pixel."""
    slices = ct_slices(axial_stack(), BitsStored=12, HighBit=11)
    clean = np.stack([stored_values(dataset) for dataset in slices]).astype(np.float32) - 1024
    for dataset in slices:
        set_stored(dataset, stored_values(dataset) | (1 << 13))
    write_series(tmp_path, slices)
    assert np.array_equal(read(tmp_path).volume.data[::-1, ::-1].transpose(2, 1, 0), clean)


_WITHOUT_CODECS = """
import sys
for name in ("gdcm", "_gdcm", "jpeg_ls", "PIL", "pylibjpeg", "openjpeg"):
    sys.modules[name] = None
from deepstroke.dicom import choose_series, inspect
choose_series(inspect(sys.argv[1]))
"""


def test_a_missing_codec_is_named_with_the_package_to_install(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(axial_stack()), JPEGLSLossless)
    command = [sys.executable, "-c", _WITHOUT_CODECS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "JPEG-LS Lossless Image Compression: pip install pyjpegls" in done.stderr


def test_reading_many_paths_or_one_gives_the_volume(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ct_slices(axial_stack()))
    one, many = read_series(tmp_path), read_series([str(path) for path in paths])
    assert one.same_grid(many)
    assert np.array_equal(one.data, many.data)
    with pytest.raises(InputError, match="no files"):
        read_series([])


def test_an_unusable_series_is_not_read(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(axial_stack(), Modality="MR"))
    (record,) = inspect(tmp_path).series
    with pytest.raises(DicomSeriesError, match="modality MR"):
        read_scan(record)


def test_facts_hold_no_patient_data_and_no_free_text(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(axial_stack(tilt_deg=10), SeriesDescription="Head 5.0 SECRET Person 19390201"))
    facts = read(tmp_path).facts()
    assert facts["description"] == "Head 5.0 …"
    assert facts["tilt_deg"] == pytest.approx(10.0, abs=0.001)
    assert facts["spacing_mm"] == pytest.approx([2.2, 2.5, 5 * np.cos(np.radians(10))], abs=1e-3)
    assert (facts["slices"], facts["number"], facts["thickness_mm"]) == (32, 2, 5.0)
    assert not any(word in str(facts).lower() for word in ("secret", "4711", "1939"))


def test_shuffled_and_renumbered_slices_give_the_same_volume(tmp_path: Path) -> None:
    slices = ct_slices(axial_stack())
    write_series(tmp_path / "plain", slices)
    for dataset, number in zip(slices, itertools.count(32, -1), strict=False):
        dataset.InstanceNumber = number
    write_series(tmp_path / "reversed", slices[::-1])
    plain, turned = read(tmp_path / "plain").volume, read(tmp_path / "reversed").volume
    assert np.array_equal(plain.data, turned.data)


def test_native_little_endian_is_the_default_of_the_phantoms(tmp_path: Path) -> None:
    """The comparisons above rest on it."""
    paths = write_series(tmp_path, ct_slices(axial_stack()))
    assert pydicom.dcmread(paths[0]).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
