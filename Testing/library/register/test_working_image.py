from __future__ import annotations

import numpy as np
import pytest

import phantoms_registration as phantoms
from deepstroke.errors import GeometryError, InputError
from deepstroke.register.working_image import WorkingImage, working_image
from deepstroke.volume import LabelMap, Volume


def value_at(image: WorkingImage, ras: tuple[float, float, float]) -> float:
    ijk = np.linalg.inv(image.ijk_to_ras) @ [*ras, 1.0]
    i, j, k = np.rint(ijk[:3]).astype(int)
    return float(image.data[i, j, k])


def test_thick_slices_become_isotropic_in_their_place() -> None:
    head = phantoms.head(phantoms.grid((1.0, 1.5, 5.0)))
    image = working_image(head.image, head.brain, 2.0, 8.0)
    np.testing.assert_allclose(image.ijk_to_ras[:3, :3], 2 * np.eye(3), atol=1e-12)
    assert all(n % 4 == 0 for n in image.shape)
    assert value_at(image, (-38, 32, 22)) == pytest.approx(62, abs=1)
    assert value_at(image, (38, 32, 22)) < 40
    np.testing.assert_allclose(image.mask.sum() * 8e-3, head.brain.volume_ml(), rtol=0.03)
    assert image.known.all()


def test_storage_order_and_flips_change_nothing() -> None:
    head = phantoms.head(phantoms.grid((2.0, 2.0, 4.0)))
    ijk_to_ras = head.image.ijk_to_ras
    flip = np.array([[0, -1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    flip[0, 3] = head.image.shape[0] - 1
    stored = np.transpose(head.image.data, (2, 0, 1))[:, ::-1, :]
    mask = np.transpose(head.brain.data, (2, 0, 1))[:, ::-1, :]
    assert np.linalg.det((ijk_to_ras @ flip)[:3, :3]) < 0
    one = working_image(head.image, head.brain, 4.0, 8.0)
    two = working_image(Volume(stored, ijk_to_ras @ flip), LabelMap(mask, ijk_to_ras @ flip), 4.0, 8.0)
    np.testing.assert_allclose(two.ijk_to_ras, one.ijk_to_ras)
    np.testing.assert_array_equal(two.data, one.data)


def test_what_is_no_brain_is_gone_and_bone_is_clipped() -> None:
    head = phantoms.head(phantoms.grid())
    hu = head.image.data.copy()
    hu[~head.brain.mask] = 1500
    hu[22, 22, 22] = 700
    image = working_image(head.image.with_data(hu), head.brain, 4.0, 8.0)
    assert image.data.max() <= 100
    assert image.data[~image.mask].min() == 0
    assert image.data[0, 0, 0] == 0


def test_a_stripped_volume_brings_its_own_mask() -> None:
    head = phantoms.head(phantoms.grid())
    given, own = (working_image(head.image, mask, 4.0, 8.0) for mask in (head.brain, None))
    np.testing.assert_array_equal(own.mask, given.mask)


def test_beyond_a_cut_face_nothing_is_known() -> None:
    head = phantoms.head(phantoms.grid())
    low = int(np.flatnonzero(head.brain.mask.any(axis=(0, 1)))[0]) + 6
    ijk_to_ras = head.image.ijk_to_ras.copy()
    ijk_to_ras[2, 3] += 4 * low
    image = working_image(
        Volume(head.image.data[..., low:], ijk_to_ras), LabelMap(head.brain.data[..., low:], ijk_to_ras), 4.0, 8.0
    )
    heights = image.ijk_to_ras[2, 3] + 4 * np.arange(image.shape[2])
    np.testing.assert_array_equal(image.known.all(axis=(0, 1)), heights >= ijk_to_ras[2, 3] - 2)


def test_padding_next_to_brain_is_not_known() -> None:
    # A tilted stack on an orthogonal grid: the scan ends in a slope of padding through the brain.
    head = phantoms.head(phantoms.grid())
    ras = head.image.ras_of(np.stack(np.indices(head.image.shape), axis=-1))
    beyond = ras[..., 2] + 0.3 * ras[..., 1] < -30
    hu = np.where(beyond, -1024, np.where(head.brain.mask, head.image.data, 900))
    brain = head.brain.with_labels(head.brain.mask & ~beyond)
    image = working_image(head.image.with_data(hu), brain, 4.0, 8.0)
    unknown = np.argwhere(~image.known) @ image.ijk_to_ras[:3, :3].T + image.ijk_to_ras[:3, 3]
    assert len(unknown) > 50
    assert (unknown[:, 2] + 0.3 * unknown[:, 1] < -25).all()


def test_nothing_is_known_as_far_as_the_grid_goes_beyond_a_side_that_is_cut_and_all_beyond_bone() -> None:
    ras = np.stack(np.meshgrid(*[np.arange(-79.0, 80.0, 2.0)] * 3, indexing="ij"), axis=-1)
    distance = np.linalg.norm(ras, axis=-1)
    brain = (distance < 60) & (ras[..., 0] < 40)
    hu = np.where(distance < 60, 35.0, np.where(distance < 66, 1000.0, -1000.0))
    hu[ras[..., 0] >= 40] = -1024.0  # the field of view ends on the right
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -79.0
    image = working_image(Volume(hu.astype(np.float32), affine), LabelMap(brain, affine), 2.0, 16.0)
    places = np.argwhere(np.ones(image.shape)) @ image.ijk_to_ras[:3, :3].T + image.ijk_to_ras[:3, 3]
    known = image.known.ravel()
    beyond = (places[:, 0] > 44) & (np.linalg.norm(places[:, 1:], axis=1) < 40)
    assert beyond.sum() > 1000
    assert not known[beyond].any()
    assert known[places[:, 0] < 30].all()


def test_a_sheared_grid_is_refused() -> None:
    head = phantoms.head(phantoms.grid())
    sheared = head.image.ijk_to_ras.copy()
    sheared[1, 2] = 1.0
    with pytest.raises(GeometryError, match="not at right angles"):
        working_image(Volume(head.image.data, sheared), None, 4.0, 8.0)


def test_a_mask_on_another_grid_is_refused() -> None:
    head, other = (phantoms.head(phantoms.grid((s, s, s))) for s in (4.0, 5.0))
    with pytest.raises(GeometryError, match="the brain mask lies on another grid"):
        working_image(head.image, other.brain, 4.0, 8.0)


def test_values_that_are_not_finite_are_refused() -> None:
    head = phantoms.head(phantoms.grid())
    hu = head.image.data.copy()
    hu[20, 20, 20] = np.nan
    with pytest.raises(InputError, match="not finite"):
        working_image(head.image.with_data(hu), head.brain, 4.0, 8.0)


def test_a_mask_without_a_brain_is_refused() -> None:
    head = phantoms.head(phantoms.grid())
    with pytest.raises(InputError, match="the brain mask holds 0 ml"):
        working_image(head.image, head.brain.with_labels(np.zeros_like(head.brain.data)), 4.0, 8.0)
