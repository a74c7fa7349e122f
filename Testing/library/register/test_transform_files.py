from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

import phantoms_registration as phantoms
from deepstroke.errors import InputError
from deepstroke.frames import RAS_TO_LPS
from deepstroke.nifti import read_volume, write_nifti
from deepstroke.register import DisplacementField, SpatialTransform
from deepstroke.register.transform_files import inverse_path, load
from deepstroke.volume import Volume

Heads = tuple[phantoms.Head, phantoms.Head]


@pytest.fixture(scope="module")
def saved(registered: SpatialTransform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("transform") / "head.h5"
    registered.save(path)
    return path


def itk(volume: Volume) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.data.transpose(2, 1, 0)))
    lps = RAS_TO_LPS @ volume.ijk_to_ras
    image.SetSpacing(volume.spacing_mm)
    image.SetDirection((lps[:3, :3] / np.array(volume.spacing_mm)).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def test_a_round_trip_is_exact(registered: SpatialTransform, saved: Path) -> None:
    again = load(saved)
    for mine, read in zip(registered.steps + registered.inverse_steps, again.steps + again.inverse_steps, strict=True):
        if isinstance(mine, DisplacementField):
            assert isinstance(read, DisplacementField)
            np.testing.assert_array_equal(read.data, mine.data)
            np.testing.assert_array_equal(read.ijk_to_ras, mine.ijk_to_ras)
        else:
            np.testing.assert_array_equal(read, mine)


@pytest.mark.parametrize("back", [False, True])
def test_itk_resamples_alike(registered: SpatialTransform, saved: Path, heads: Heads, back: bool) -> None:
    fixed, moving = (head.image for head in heads)
    transform, path = (registered.inverse(), inverse_path(saved)) if back else (registered, saved)
    target, source = (moving, fixed) if back else (fixed, moving)
    theirs = SimpleITK.Resample(itk(source), itk(target), SimpleITK.ReadTransform(str(path)), SimpleITK.sitkLinear, 0.0)
    ours = transform.apply(source, target).data
    assert ours.std() > 10
    np.testing.assert_allclose(ours, SimpleITK.GetArrayFromImage(theirs).transpose(2, 1, 0), atol=0.01)


def test_ants_resamples_alike(registered: SpatialTransform, saved: Path, heads: Heads, tmp_path: Path) -> None:
    pytest.importorskip("ants")
    fixed, moving = (head.image for head in heads)
    write_nifti(fixed, tmp_path / "fixed.nii")
    write_nifti(moving, tmp_path / "moving.nii")
    # In a process of its own: its ITK and SimpleITK's must not meet.
    code = (
        "import ants, sys; f, m, t, o = sys.argv[1:]; "
        "ants.image_write(ants.apply_transforms(ants.image_read(f), ants.image_read(m), [t]), o)"
    )
    files = [str(tmp_path / "fixed.nii"), str(tmp_path / "moving.nii"), str(saved), str(tmp_path / "moved.nii")]
    subprocess.run([sys.executable, "-c", code, *files], check=True, capture_output=True)
    ours = registered.apply(moving, fixed).data
    np.testing.assert_allclose(ours, read_volume(tmp_path / "moved.nii").data, atol=0.01)


def test_an_oblique_grid_keeps_its_place(tmp_path: Path) -> None:
    turn = np.array([[0.0, -1, 0, 3], [1, 0, 0, 4], [0, 0, 1, 5], [0, 0, 0, 1]]) @ np.diag([2.0, 2, 2, 1])
    data = np.random.default_rng(0).normal(size=(3, 4, 5, 3)).astype(np.float32)
    transform = SpatialTransform((DisplacementField(data, turn),), (np.eye(4),))
    transform.save(tmp_path / "t.h5")
    point = turn @ [1, 2, 3, 1]
    read = SimpleITK.ReadTransform(str(tmp_path / "t.h5"))
    lps = read.TransformPoint((RAS_TO_LPS @ point)[:3].tolist())
    np.testing.assert_allclose(RAS_TO_LPS[:3, :3] @ lps, point[:3] + data[1, 2, 3], rtol=1e-5)


def test_a_rigid_transform_of_another_program_is_read(tmp_path: Path) -> None:
    euler = SimpleITK.Euler3DTransform((1.0, 2.0, 3.0), 0.1, 0.2, 0.3, (4.0, 5.0, 6.0))
    for name in ("t.tfm", "t-inverse.tfm"):
        SimpleITK.WriteTransform(euler, str(tmp_path / name))
    point = np.array([[10.0, 20.0, 30.0]])
    expected = np.array(euler.TransformPoint((-10.0, -20.0, 30.0))) * [-1, -1, 1]
    np.testing.assert_allclose(load(tmp_path / "t.tfm").map_points(point)[0], expected, rtol=1e-6)


def test_only_h5_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.mat: a transform's file name ends in \.h5"):
        SpatialTransform.from_affine(np.eye(4)).save(tmp_path / "t.mat")


def test_a_missing_inverse_is_named(tmp_path: Path) -> None:
    SpatialTransform.from_affine(np.eye(4)).save(tmp_path / "t.h5")
    (tmp_path / "t-inverse.h5").unlink()
    with pytest.raises(InputError, match=r"t-inverse\.h5: no such transform file"):
        load(tmp_path / "t.h5")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    SpatialTransform.from_affine(np.eye(4)).save(tmp_path / "t.h5")
    (tmp_path / "t.h5").write_bytes((tmp_path / "t.h5").read_bytes()[:300])
    with pytest.raises(InputError, match=r"t\.h5: damaged"):
        load(tmp_path / "t.h5")


def test_another_kind_of_transform_is_named(tmp_path: Path) -> None:
    spline = SimpleITK.BSplineTransformInitializer(SimpleITK.Image(8, 8, 8, SimpleITK.sitkFloat32), [2, 2, 2])
    SimpleITK.WriteTransform(spline, str(tmp_path / "t.tfm"))
    with pytest.raises(InputError, match="expected affines and displacement fields, found BSpline"):
        load(tmp_path / "t.tfm")
