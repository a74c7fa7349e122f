"""MRML volumes to and from `Volume`: the one place where Slicer's (k, j, i) arrays meet (i, j, k).

Both worlds use RAS+ mm. A gantry-tilted series has a sheared matrix in Slicer, which passes through here unchanged;
NIfTI would straighten it without a word, so volumes leave Slicer as NRRD.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import vtk
import vtk.util.numpy_support
from numpy.typing import NDArray

import slicer
from deepstroke.errors import GeometryError, InputError
from deepstroke.frames import Affine, as_affine
from deepstroke.volume import Volume

_NRRD_TYPES = {"i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "f4": "float", "f8": "double"}


def array_of_image(image: Any) -> NDArray:
    """A view of a vtkImageData's voxels, indexed (i, j, k); writing to it writes to the image.

    Raises:
        InputError: the image holds no voxels, or several components each (a colour image).
    """
    scalars = None if image is None else image.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        raise InputError("the volume holds no voxels; load it again", code="empty-volume")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError("the volume holds colours, expected a CT with one value a voxel", code="volume-shape")
    ni, nj, nk = image.GetDimensions()
    return vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(nk, nj, ni).transpose(2, 1, 0)


def image_of_array(data: NDArray, image: Any = None) -> Any:
    """A vtkImageData (or the given one) that holds a copy of an array indexed (i, j, k)."""
    image = vtk.vtkImageData() if image is None else image
    kji = np.array(data.transpose(2, 1, 0), order="C", copy=True)
    scalars = vtk.util.numpy_support.numpy_to_vtk(kji.ravel(), deep=True)
    image.SetDimensions(*data.shape)
    image.GetPointData().SetScalars(scalars)
    return image


def matrix_of(affine: Affine) -> Any:
    """The vtkMatrix4x4 of a 4 x 4 affine."""
    return slicer.util.vtkMatrixFromArray(np.asarray(affine, dtype=np.float64))


def affine_of(node: Any) -> Affine:
    """A volume node's ijk to RAS+ mm, without the transform that it may stand under."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return as_affine(slicer.util.arrayFromVTKMatrix(matrix))


def world_affine_of(node: Any) -> Affine:
    """A volume node's ijk to RAS+ mm as it is shown: with the linear transform that it stands under.

    Raises:
        GeometryError: the transform is not linear, so that no matrix can say it.
    """
    transform = node.GetParentTransformNode()
    if transform is None:
        return affine_of(node)
    local_to_world = vtk.vtkMatrix4x4()
    if not transform.IsTransformToWorldLinear():
        raise GeometryError(
            f"{node.GetName()} stands under the warping transform {transform.GetName()}; load it from the DICOM "
            "database, or harden the transform",
            code="warped-volume",
        )
    transform.GetMatrixTransformToWorld(local_to_world)
    return as_affine(slicer.util.arrayFromVTKMatrix(local_to_world) @ affine_of(node))


def volume_from_node(node: Any) -> Volume:
    """The volume as it is shown, in RAS+ mm. Its data is a view of the node's voxels: don't write to it.

    Raises:
        InputError: the node holds no voxels, or colours.
        GeometryError: it stands under a transform that isn't linear.
    """
    return Volume(array_of_image(node.GetImageData()), world_affine_of(node))


def node_from_volume(volume: Volume, name: str, class_name: str = "vtkMRMLScalarVolumeNode") -> Any:
    """A new volume node in the scene with a copy of the voxels and a display node."""
    return node_from_array(volume.data, volume.ijk_to_ras, name, class_name)


def node_from_array(data: NDArray, ijk_to_ras: Affine, name: str, class_name: str = "vtkMRMLScalarVolumeNode") -> Any:
    """As `node_from_volume`, of voxels indexed (i, j, k) and their matrix, sheared or not."""
    node = slicer.mrmlScene.AddNewNodeByClass(class_name, name)
    node.SetIJKToRASMatrix(matrix_of(ijk_to_ras))
    node.SetAndObserveImageData(image_of_array(data.astype(np.uint8) if data.dtype == bool else data))
    node.CreateDefaultDisplayNodes()
    return node


def read_volume_file(path: str | Path) -> Volume:
    """An orthogonal NIfTI or NRRD file as `Volume`, read by Slicer's own reader; nothing enters the scene.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = Path(path)
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(path))
    storage.SetCenterImage(False)
    node = slicer.vtkMRMLScalarVolumeNode()
    if not path.is_file() or not storage.ReadData(node):
        raise InputError(f"{path} is missing or can't be read", code="damaged-file")
    return Volume(array_of_image(node.GetImageData()).copy(order="K"), affine_of(node))


def write_nrrd(volume: Volume, path: str | Path) -> None:
    """Write a volume as NRRD with its matrix, sheared or not, uncompressed.

    Raises:
        InputError: the type of voxel has no NRRD name, or the disk refuses.
    """
    data = volume.data.astype(np.uint8) if volume.data.dtype == bool else volume.data
    kind = _NRRD_TYPES.get(data.dtype.str[1:])
    if kind is None:
        raise InputError(f"voxels of type {data.dtype} can't be written as NRRD; convert them to float", code="type")
    columns, origin = volume.ijk_to_ras[:3, :3].T, volume.ijk_to_ras[:3, 3]
    header = (
        f"NRRD0004\ntype: {kind}\ndimension: 3\nspace: right-anterior-superior\n"
        f"sizes: {' '.join(str(n) for n in volume.shape)}\n"
        f"space directions: {' '.join(_vector(column) for column in columns)}\nkinds: domain domain domain\n"
        f"endian: little\nencoding: raw\nspace origin: {_vector(origin)}\n\n"
    )
    little = np.ascontiguousarray(data.transpose(2, 1, 0).astype(data.dtype.newbyteorder("<"), copy=False))
    try:
        with Path(path).open("wb") as stream:
            stream.write(header.encode("ascii"))
            stream.write(little.data)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}", code="write") from error


def _vector(values: NDArray) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"
