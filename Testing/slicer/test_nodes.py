"""MRML volumes to and from `Volume`, against slicer-core's real nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.nifti import read_volume, write_nifti
from deepstroke.volume import Volume

if TYPE_CHECKING:
    from host import Host

#: A stack of 5 mm slices under a gantry tilt of 12 degrees, as Slicer loads it: sheared.
TILTED = np.array([[-0.5, 0, 0, 40.0], [0, -0.489, 0, 35.0], [0, -0.104, 5.11, -20.0], [0, 0, 0, 1]])


@pytest.fixture
def volume() -> Volume:
    data = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) - 20
    return Volume(data, TILTED)


def test_a_sheared_volume_keeps_every_voxel_and_position(host: Host, volume: Volume) -> None:
    from DeepStrokeSlicerLib.nodes import node_from_volume, volume_from_node

    node = node_from_volume(volume, "tilted")
    back = volume_from_node(node)
    np.testing.assert_array_equal(back.data, volume.data)
    np.testing.assert_allclose(back.ijk_to_ras, TILTED, atol=1e-12)
    assert not back.is_orthogonal
    assert node.GetImageData().GetScalarComponentAsDouble(3, 1, 2, 0) == volume.data[3, 1, 2]


def test_voxels_are_where_slicer_shows_them(host: Host, volume: Volume) -> None:
    import vtk

    from DeepStrokeSlicerLib.nodes import node_from_volume

    node = node_from_volume(volume, "tilted")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    np.testing.assert_allclose(matrix.MultiplyPoint((1, 2, 3, 1))[:3], volume.ras_of(np.array([1, 2, 3])), atol=1e-9)


def test_a_linear_transform_moves_the_volume(host: Host, volume: Volume) -> None:
    import slicer
    from DeepStrokeSlicerLib.nodes import node_from_volume, volume_from_node

    shift = np.eye(4)
    shift[:3, 3] = 1.0, 2.0, 3.0
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
    node = node_from_volume(volume, "moved")
    node.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_allclose(volume_from_node(node).ijk_to_ras, shift @ TILTED, atol=1e-12)


def test_a_warping_transform_is_refused(host: Host, volume: Volume) -> None:
    import vtk

    import slicer
    from DeepStrokeSlicerLib.nodes import node_from_volume, volume_from_node

    grid = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "acquisition")
    warp = slicer.vtkOrientedGridTransform()
    warp.SetDisplacementGridData(vtk.vtkImageData())
    grid.SetAndObserveTransformToParent(warp)
    node = node_from_volume(volume, "warped")
    node.SetAndObserveTransformNodeID(grid.GetID())
    with pytest.raises(GeometryError, match="warped stands under the warping transform acquisition"):
        volume_from_node(node)


def test_an_empty_node_and_colours_are_refused(host: Host) -> None:
    import vtk

    import slicer
    from DeepStrokeSlicerLib.nodes import volume_from_node

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    with pytest.raises(InputError, match="no voxels"):
        volume_from_node(node)
    image = vtk.vtkImageData()
    image.SetDimensions(2, 2, 2)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node.SetAndObserveImageData(image)
    with pytest.raises(InputError, match="colours"):
        volume_from_node(node)


@pytest.mark.parametrize("kind", [np.int16, np.float32, np.uint8, bool])
def test_nrrd_keeps_the_shear(host: Host, volume: Volume, tmp_path: Path, kind: type) -> None:
    from DeepStrokeSlicerLib.nodes import read_volume_file, write_nrrd

    stored = volume.with_data((volume.data % 2 if kind is bool else volume.data).astype(kind))
    write_nrrd(stored, tmp_path / "ct.nrrd")
    for back in (read_volume(tmp_path / "ct.nrrd"), read_volume_file(tmp_path / "ct.nrrd")):
        np.testing.assert_array_equal(back.data, stored.data)
        np.testing.assert_allclose(back.ijk_to_ras, TILTED, atol=1e-9)


def test_nrrd_names_what_it_can_not_write(host: Host, volume: Volume, tmp_path: Path) -> None:
    from DeepStrokeSlicerLib.nodes import write_nrrd

    with pytest.raises(InputError, match="int64"):
        write_nrrd(volume.with_data(volume.data.astype(np.int64)), tmp_path / "ct.nrrd")
    with pytest.raises(InputError, match="can't be written"):
        write_nrrd(volume, tmp_path / "absent" / "ct.nrrd")


def test_slicers_reader_and_the_librarys_agree_on_nifti(host: Host, tmp_path: Path) -> None:
    from DeepStrokeSlicerLib.nodes import read_volume_file

    rng = np.random.default_rng(1)
    stored = Volume(rng.integers(0, 20, (7, 6, 5)).astype(np.uint8), np.diag([0.5, 0.7, 5.0, 1.0]))
    write_nifti(stored, tmp_path / "labels.nii.gz")
    back = read_volume_file(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(back.data, stored.data)
    assert back.same_grid(stored)


def test_a_missing_file_is_named(host: Host, tmp_path: Path) -> None:
    from DeepStrokeSlicerLib.nodes import read_volume_file

    with pytest.raises(InputError, match=r"absent\.nii\.gz"):
        read_volume_file(tmp_path / "absent.nii.gz")
