"""Files are complete or absent, hold their geometry, and damaged ones are refused by name."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepstroke.errors import GeometryError, InputError
from deepstroke.nifti import atomic_path, read_label_map, read_volume, write_json, write_nifti
from deepstroke.volume import LabelMap, Volume


def _oblique(dtype: type = np.int16) -> Volume:
    """Left unlike right, anisotropic, oblique."""
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = Rotation.from_euler("xyz", (15, -10, 5), degrees=True).as_matrix() * (-0.5, 0.7, 5.0)
    ijk_to_ras[:3, 3] = (90.0, -120.0, 33.0)
    return Volume(np.arange(4 * 5 * 6).reshape(4, 5, 6).astype(dtype), ijk_to_ras)


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.uint8])
def test_a_volume_comes_back_as_it_was(tmp_path: Path, name: str, dtype: type) -> None:
    volume = _oblique(dtype)
    write_nifti(volume, tmp_path / name)
    back = read_volume(tmp_path / name)
    assert np.array_equal(back.data, volume.data)
    assert back.data.dtype == dtype
    assert back.same_grid(volume, 1e-4)
    header = nibabel.load(tmp_path / name).header
    assert header.get_xyzt_units()[0] == "mm"
    assert np.allclose(header.get_qform(), volume.ijk_to_ras, atol=1e-4)
    assert np.allclose(header.get_sform(), volume.ijk_to_ras, atol=1e-4)


def test_a_label_map_comes_back_as_bytes(tmp_path: Path) -> None:
    write_nifti(LabelMap(np.ones((2, 3, 4), bool), np.eye(4)), tmp_path / "mask.nii.gz")
    assert read_label_map(tmp_path / "mask.nii.gz").data.dtype == np.uint8
    write_nifti(Volume(np.full((2, 3, 4), 0.5, np.float32), np.eye(4)), tmp_path / "half.nii.gz")
    with pytest.raises(InputError, match=r"half\.nii\.gz: a label map holds whole numbers"):
        read_label_map(tmp_path / "half.nii.gz")


def test_scaled_values_are_read_scaled(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.array([[[0, 1024, 2048]]], np.int16), np.eye(4))
    image.header.set_slope_inter(1.0, -1024.0)
    nibabel.save(image, tmp_path / "ct.nii.gz")
    back = read_volume(tmp_path / "ct.nii.gz")
    assert back.data.ravel().tolist() == [-1024.0, 0.0, 1024.0]
    assert back.data.dtype == np.float32


def test_a_sheared_grid_is_not_written(tmp_path: Path) -> None:
    sheared = np.diag([0.5, 0.5, 5.0, 1.0])
    sheared[1, 2] = 1.5
    with pytest.raises(InputError, match=r"ct\.nii\.gz: NIfTI viewers straighten a sheared grid"):
        write_nifti(Volume(np.zeros((2, 2, 2), np.int16), sheared), tmp_path / "ct.nii.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_qform_alone_is_enough(tmp_path: Path) -> None:
    volume = _oblique()
    image = nibabel.Nifti1Image(volume.data, None)
    image.set_qform(volume.ijk_to_ras, code=1)
    image.set_sform(None, code=0)
    nibabel.save(image, tmp_path / "ct.nii")
    assert read_volume(tmp_path / "ct.nii").same_grid(volume, 1e-4)


def test_without_a_form_left_and_right_are_unknown(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), None)
    image.set_qform(None, code=0)
    image.set_sform(None, code=0)
    nibabel.save(image, tmp_path / "ct.nii")
    with pytest.raises(InputError, match=r"ct\.nii: neither sform nor qform is set"):
        read_volume(tmp_path / "ct.nii")


def test_forms_that_mirror_each_other_are_refused(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4))
    image.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]), code=1)
    image.set_sform(np.eye(4), code=1)
    nibabel.save(image, tmp_path / "ct.nii")
    with pytest.raises(InputError, match="mirror images of each other"):
        read_volume(tmp_path / "ct.nii")


@pytest.mark.parametrize(("shape", "read"), [((4, 5, 6, 1), (4, 5, 6)), ((4, 5, 6, 1, 1), (4, 5, 6))])
def test_single_further_axes_are_dropped(tmp_path: Path, shape: tuple[int, ...], read: tuple[int, ...]) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.int16), np.eye(4)), tmp_path / "ct.nii")
    assert read_volume(tmp_path / "ct.nii").shape == read


def test_a_series_over_time_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2, 3), np.int16), np.eye(4)), tmp_path / "ct.nii")
    with pytest.raises(InputError, match=r"ct\.nii: expected three dimensions, found shape \(2, 2, 2, 3\)"):
        read_volume(tmp_path / "ct.nii")


def test_a_coloured_image_is_refused(tmp_path: Path) -> None:
    colours = np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, np.eye(4)), tmp_path / "ct.nii")
    with pytest.raises(InputError, match=r"ct\.nii: a volume holds numbers"):
        read_volume(tmp_path / "ct.nii")


def test_missing_and_unknown_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.nii: no such file"):
        read_volume(tmp_path / "none.nii")
    (tmp_path / "ct.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"ct\.png: expected \.nii"):
        read_volume(tmp_path / "ct.png")


def test_a_header_that_claims_terabytes_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    nibabel.save(image, tmp_path / "ct.nii")
    content = bytearray((tmp_path / "ct.nii").read_bytes())
    content[42:48] = np.array([32000, 32000, 32000], "<i2").tobytes()
    (tmp_path / "ct.nii").write_bytes(content)
    with pytest.raises(InputError, match=r"ct\.nii: the header claims 32768000000000 voxels"):
        read_volume(tmp_path / "ct.nii")


def test_a_flipped_bit_in_a_compressed_file_is_noticed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "ct.nii.gz"
    write_nifti(Volume(rng.integers(0, 2000, (16, 16, 16)).astype(np.int16), np.eye(4)), path)
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # the checksum
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"ct\.nii\.gz: damaged or not NIfTI"):
        read_volume(path)


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "raw.nrrd", "gzip.nrrd"])
def test_a_damaged_file_is_refused_by_name_or_read(tmp_path: Path, name: str) -> None:
    """Cut at every part and with random bytes in its header, no file gets past as another error."""
    path = tmp_path / name
    if name.endswith("nrrd"):
        _write_nrrd(path, _oblique().data, encoding=name.split(".")[0])
    else:
        write_nifti(_oblique(), path)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    variants = [whole[:n] for n in range(0, len(whole), max(1, len(whole) // 20))]
    for _ in range(60):
        changed = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 352), 3):
            changed[place] = rng.integers(0, 256)
        variants.append(bytes(changed))
    messages = []
    for variant in variants:
        path.write_bytes(variant)
        try:
            read_volume(path)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) >= 20
    assert all(name in message for message in messages)


SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "RAS": (1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "LPS": (-1, -1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "LAS": (-1, 1, 1),
}


def _write_nrrd(path: Path, data: np.ndarray, space: str = "left-posterior-superior", **header: object) -> None:
    fields = {"space": space, "space directions": np.diag([1.0, 2.0, 3.0]), "space origin": [5.0, 6.0, 7.0], **header}
    nrrd.write(str(path), data, {key: value for key, value in fields.items() if value is not None})


@pytest.mark.parametrize("space", SPACES)
def test_nrrd_spaces_are_brought_to_ras(tmp_path: Path, space: str) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    _write_nrrd(tmp_path / "ct.nrrd", data, space)
    volume = read_volume(tmp_path / "ct.nrrd")
    assert np.array_equal(volume.data, data)
    expected = np.array([6.0, 8.0, 10.0]) * SPACES[space]
    assert volume.ras_of(np.array([1, 1, 1])) == pytest.approx(expected)


def test_a_sheared_nrrd_keeps_its_shear(tmp_path: Path) -> None:
    directions = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 1.6, 4.7]])  # rows: steps of i, j, k in LPS
    _write_nrrd(tmp_path / "ct.nrrd", np.zeros((2, 3, 4), np.int16), **{"space directions": directions})
    volume = read_volume(tmp_path / "ct.nrrd")
    assert not volume.is_orthogonal
    step = volume.ras_of(np.array([0, 0, 1])) - volume.ras_of(np.array([0, 0, 0]))
    assert step == pytest.approx([0.0, -1.6, 4.7])


def test_a_detached_nrrd_header_is_followed(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nrrd.write(
        str(tmp_path / "ct.nhdr"),
        data,
        {"space": "ras", "space directions": np.eye(3), "space origin": np.zeros(3), "encoding": "raw"},
        detached_header=True,
    )
    assert np.array_equal(read_volume(tmp_path / "ct.nhdr").data, data)


@pytest.mark.parametrize(
    "header",
    [
        {"space": None},
        {"space": "scanner-xyz"},
        {"space directions": None},
        {"space origin": None},
    ],
)
def test_nrrd_without_a_place_in_the_patient_is_refused(tmp_path: Path, header: dict[str, object]) -> None:
    fields: dict[str, object] = {"space": "ras", "space directions": np.eye(3), "space origin": [0.0, 0.0, 0.0]}
    fields.update(header)
    if fields["space"] is None:  # the other fields need a space
        fields = {"spacings": [1.0, 1.0, 1.0]}
    nrrd.write(
        str(tmp_path / "ct.nrrd"), np.zeros((2, 3, 4), np.int16), {k: v for k, v in fields.items() if v is not None}
    )
    with pytest.raises(InputError, match=r"ct\.nrrd: no patient space, three directions and an origin"):
        read_volume(tmp_path / "ct.nrrd")


def test_a_singular_nrrd_is_a_geometry_error_with_its_name(tmp_path: Path) -> None:
    _write_nrrd(tmp_path / "ct.nrrd", np.zeros((2, 3, 4), np.int16), **{"space directions": np.ones((3, 3))})
    with pytest.raises(GeometryError, match=r"ct\.nrrd: the affine is singular"):
        read_volume(tmp_path / "ct.nrrd")


def test_json_is_strict(tmp_path: Path) -> None:
    write_json({"b": [1.5, None], "a": "Größe"}, tmp_path / "new" / "report.json")
    text = (tmp_path / "new" / "report.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"b": [1.5, None], "a": "Größe"}
    assert text.index('"b"') < text.index('"a"')
    with pytest.raises(ValueError, match="JSON"):
        write_json({"hu": float("nan")}, tmp_path / "bad.json")
    assert not (tmp_path / "bad.json").exists()


def test_a_write_replaces_the_file_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "labels.seg.dcm"
    target.write_text("old")
    with atomic_path(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".seg.dcm")
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["labels.seg.dcm"]


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "ct.nii"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nii"]


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_json({}, tmp_path / "report.json")
    finally:
        os.umask(before)
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == 0o640


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"report\.json can't be written"):
        write_json({}, tmp_path / "out" / "report.json")
    (tmp_path / "ct.nii").mkdir()
    with pytest.raises(InputError, match=r"ct\.nii can't be written"):
        write_nifti(_oblique(), tmp_path / "ct.nii")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ct.nii", "out"]


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 64 KiB: what a full disk does to a write, without filling one."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_an_error_and_leaves_no_part_of_a_file(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    target.write_text("old")
    noise = np.random.default_rng(0).integers(-1000, 1000, (64, 64, 64)).astype(np.int16)
    with pytest.raises(InputError, match=rf"{name} can't be written \(.*\); \d+ MB are free there"):
        write_nifti(Volume(noise, np.eye(4)), target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_writer_killed_half_way_leaves_the_old_file_readable(tmp_path: Path) -> None:
    target = tmp_path / "ct.nii.gz"
    write_nifti(_oblique(), target)
    script = textwrap.dedent(
        """
        import sys, time
        from deepstroke.nifti import atomic_path
        with atomic_path(sys.argv[1]) as temporary:
            temporary.write_bytes(b"half a file")
            print("writing", flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        writer.send_signal(signal.SIGKILL)
    assert np.array_equal(read_volume(target).data, _oblique().data)
    write_nifti(_oblique(np.float32), target)
    assert read_volume(target).data.dtype == np.float32


def test_gzip_files_hold_no_name_and_no_time(tmp_path: Path) -> None:
    """Two runs give the same bytes, and no path of the writing machine travels along."""
    write_nifti(_oblique(), tmp_path / "ct.nii.gz")
    content = (tmp_path / "ct.nii.gz").read_bytes()
    assert content[4:8] == bytes(4), "the time"
    assert content[3] & 8 == 0, "the flag of a name"
