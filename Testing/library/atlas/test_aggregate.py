"""The mean overlay against sheets and heads known by hand: density, coverage, order, ridge."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from deepstroke import atlas
from deepstroke.atlas import propagate_labels
from deepstroke.atlas.aggregate import OverlaySum, aggregate_overlays
from deepstroke.atlas.outlines import border_points
from deepstroke.atlas.overlay_cloud import OverlayCloud, splat
from deepstroke.atlas.ridges import extract_ridge
from deepstroke.cli import main
from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.nifti import read_volume, write_nifti
from deepstroke.register import SpatialTransform
from deepstroke.volume import LabelMap, Volume
from phantoms_overlay import Drawing, draw_outlines, smooth_warp

HERE = SpatialTransform.from_affine(np.eye(4))
#: The template: 2 mm voxels, 80 mm along R, 60 mm along A, 40 mm along S, its first voxel's centre at 0.
GRID = Volume(np.zeros((40, 30, 20), np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))


def sheet(x: float, pixel_mm: float = 0.5, step_mm: float = 5.0, low: float = -2.5) -> OverlayCloud:
    """The plane R = x, drawn over y = 10..50 mm on slices step_mm apart from z = low to beyond 40 mm."""
    y, z = np.meshgrid(np.arange(10, 50, pixel_mm) + pixel_mm / 2, np.arange(low, 45, step_mm))
    points = np.stack([np.full(y.size, x), y.ravel(), z.ravel()], axis=-1)
    return OverlayCloud(points, np.array([0.0, 0.0, 1.0]), pixel_mm, step_mm)


def seen(first: float = -10.0, last: float = 90.0, low: float = -20.0, high: float = 80.0) -> Volume:
    """A scan that covers R = first..last and S = low..high."""
    affine = np.diag([1.0, 1.0, 5.0, 1.0])
    affine[:3, 3] = (first, -20.0, low)
    return Volume(np.zeros((round(last - first), 110, round((high - low) / 5)), np.uint8), affine)


def of_case(cloud: OverlayCloud, covers: Volume | None = None, to_template: SpatialTransform = HERE) -> OverlaySum:
    return OverlaySum.of_case(cloud, to_template, covers if covers is not None else seen(), GRID)


@pytest.mark.parametrize(("pixel_mm", "step_mm"), [(0.5, 5.0), (0.25, 1.0), (1.0, 2.5)])
def test_the_density_is_outline_per_volume_whatever_the_pixels_and_slices(pixel_mm: float, step_mm: float) -> None:
    mean = of_case(sheet(40.0, pixel_mm, step_mm)).mean(smoothing_mm=2.0)
    inner = mean.density.data[:, 8:22, 5:15]
    per_area_mm2 = inner.sum() * 8.0 / (14 * 2.0 * 10 * 2.0)
    assert per_area_mm2 == pytest.approx(1.0, abs=0.02)
    across = mean.density.data[:, 15, 10]
    assert across.argmax() == 20
    assert across.max() == pytest.approx(1 / (np.sqrt(2 * np.pi) * np.hypot(2.0, 0.8)), rel=0.1)


def test_any_order_and_grouping_gives_the_same_bits() -> None:
    random = np.random.default_rng(3)
    sums = []
    for x in (30.0, 34.7, 41.3, 44.0):
        cloud = sheet(x)
        points = cloud.points_ras + random.normal(0, 0.7, cloud.points_ras.shape)
        sums.append(of_case(OverlayCloud(points, cloud.normal_ras, 0.5, 5.0)))
    expected = None
    for a, b, c, d in itertools.permutations(sums):
        for total in (a.plus(b).plus(c).plus(d), a.plus(b).plus(c.plus(d))):
            density = total.mean(1.3).density.data
            expected = density if expected is None else expected
            np.testing.assert_array_equal(density, expected)
    assert total.cases == 4


def test_only_cases_that_cover_a_place_count_there() -> None:
    both, left_part = of_case(sheet(60.0)), of_case(sheet(60.0), seen(last=50.0))
    mean = both.plus(left_part).mean(smoothing_mm=1.0)
    assert set(np.unique(mean.coverage.data)) == {1, 2}
    np.testing.assert_array_equal(mean.coverage.data[:24], 2)
    np.testing.assert_array_equal(mean.coverage.data[26:], 1)
    alone = both.mean(smoothing_mm=1.0)
    np.testing.assert_allclose(mean.density.data[28:], alone.density.data[28:], atol=1e-6)
    fewer = both.plus(left_part).mean(1.0, least_cases=2)
    assert fewer.density.data[26:].max() == 0


def test_slices_whose_overlay_is_incomplete_can_be_left_out() -> None:
    covers = seen()
    marked = np.ones(covers.shape, np.uint8)
    marked[:, :, :8] = 0
    total = of_case(sheet(40.0), LabelMap(marked, covers.ijk_to_ras))
    edge = (-20 + 7.5 * 5) / 2
    assert (total.covered[:, :, : int(edge) - 1] == 0).all()
    assert (total.covered[:, :, int(edge) + 2 :] == 1).all()
    assert (total.outline[total.covered == 0] == 0).all()


def test_outlines_are_carried_by_the_transform() -> None:
    shift = np.eye(4)
    shift[:3, 3] = (-12.0, 0.0, 4.0)
    moved = SpatialTransform.from_affine(shift)
    total = of_case(sheet(40.0), to_template=moved)
    assert total.outline.sum(axis=(1, 2)).argmax() == 14
    assert total.covered.all()


def test_a_filled_shape_is_capped() -> None:
    blot = OverlayCloud(np.repeat([[40.0, 30.0, 20.0]], 50_000, axis=0), np.array([0.0, 0.0, 1.0]), 0.5, 5.0)
    assert of_case(blot).outline.max() * 2.0**-20 == pytest.approx(4 * 2.0 * 2.0)


def test_splatting_keeps_sums_and_centres() -> None:
    places = np.array([[3.25, 4.5, 5.75], [1.0, 1.0, 1.0], [99.0, 0.0, 0.0]])
    out = splat(places, np.array([[2.0, 3.0, 7.0], [1.0, 0.0, 0.0]]), (10, 9, 8))
    assert out[0].sum() == pytest.approx(5.0)
    assert out[0, 1, 1, 1] == 3.0
    np.testing.assert_allclose((np.indices((10, 9, 8)) * out[1]).sum(axis=(1, 2, 3)), places[0])


def test_a_ridge_lies_between_voxels_where_the_sheet_is() -> None:
    mean = of_case(sheet(41.3, step_mm=2.0)).mean(smoothing_mm=2.0)
    ridge = extract_ridge(mean.density, scale_mm=2.0)
    inner = (np.abs(ridge.points_ras[:, 1] - 30) < 12) & (np.abs(ridge.points_ras[:, 2] - 20) < 12)
    assert inner.sum() == 11 * 11
    assert np.abs(ridge.points_ras[inner, 0] - 41.3).max() < 0.1
    assert len(ridge.strength) == len(ridge.points_ras) == np.count_nonzero(ridge.mask.data)


def test_a_slanted_line_is_found_whatever_its_direction() -> None:
    for degrees in (0, 20, 45, 70, 90, 135):
        along = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        at = np.arange(-22, 22, 0.25)
        line = np.array([40.0, 30.0]) + at[:, None] * along
        points = np.concatenate([np.c_[line, np.full(len(line), z)] for z in np.arange(0, 40.0, 2)])
        cloud = OverlayCloud(points, np.array([0.0, 0, 1]), 0.25, 2.0)
        ridge = extract_ridge(of_case(cloud).mean(1.5).density, 2.0)
        near = ridge.points_ras[np.linalg.norm(ridge.points_ras[:, :2] - (40, 30), axis=1) < 15]
        across = (near[:, :2] - (40, 30)) @ np.array([-along[1], along[0]])
        assert len(near) >= 20 * 10
        assert np.abs(across).max() < 0.35, degrees


def test_the_ridge_of_many_poor_overlays_lies_within_a_millimetre_of_the_outline() -> None:
    whole = atlas.load()
    affine = np.diag([1.2, 1.2, 5.0, 1.0])
    affine[:3, 3] = (-80.0, -100.0, -31.0)
    clouds = []
    for seed in range(8):
        affine = affine.copy()
        affine[2, 3] = -31.0 - seed * 5 / 8
        scan = Volume(np.zeros((134, 160, 22), np.uint8), affine)
        missed = smooth_warp(whole.template, seed, 2.5)
        regions = propagate_labels(whole, missed, scan)
        clouds.append((OverlayCloud.from_volume(draw_outlines(regions, seed, Drawing())), HERE, scan))
    ridge = extract_ridge(aggregate_overlays(clouds, whole.template).density)
    border = border_points(whole.labels)
    off, _ = cKDTree(border).query(ridge.points_ras)
    missed_by, _ = cKDTree(ridge.points_ras).query(border)
    assert np.mean(off) < 1.0
    assert np.median(missed_by) < 1.0
    assert np.percentile(missed_by, 90) < 2.5


def test_the_command_writes_the_mean_its_coverage_and_its_ridge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = atlas.load()
    affine = np.diag([1.5, 1.5, 5.0, 1.0])
    affine[:3, 3] = (-80.0, -110.0, -30.0)
    regions = propagate_labels(whole, HERE, Volume(np.zeros((107, 140, 20), np.uint8), affine))
    faint = Drawing(noise=0.0)
    shift = np.eye(4)
    shift[:3, 3] = (0.0, 0.0, 50.0)
    write_nifti(draw_outlines(regions, 1, faint), tmp_path / "a.nii.gz")
    moved = Volume(draw_outlines(regions, 2, faint).data, np.linalg.inv(shift) @ regions.ijk_to_ras)
    write_nifti(moved, tmp_path / "b.nii.gz")
    HERE.save(tmp_path / "a.h5")
    SpatialTransform.from_affine(shift).save(tmp_path / "b.h5")
    files = [str(tmp_path / name) for name in ("a.nii.gz", "b.nii.gz", "a.h5", "b.h5")]
    out = tmp_path / "out"
    words = ["atlas", "aggregate", *files[:2], "--transforms", *files[2:], "-o", str(out)]
    assert main(words) == 0
    assert "mean overlay of 2 scans" in capsys.readouterr().out
    density, ridge = (read_volume(out / f"{name}.nii.gz") for name in ("mean_overlay", "ridge"))
    assert density.same_grid(whole.template)
    near = cKDTree(border_points(whole.labels)).query(ridge.ras_of(np.argwhere(ridge.data)))[0]
    assert np.median(near) < 1.0
    assert read_volume(out / "coverage.nii.gz").data.max() == 2
    facts = json.loads((out / "aggregate.json").read_text())
    assert (facts["cases"], facts["smoothing_mm"], facts["grid"]) == (2, 1.0, "deepstroke-mni152 1.0.0")
    assert main([*words[:4], "--transforms", files[2], "-o", str(out)]) == 1
    assert "one for each overlay, found 1 for 2" in capsys.readouterr().err


def test_the_command_writes_outlines(tmp_path: Path) -> None:
    assert main(["atlas", "outline", "-o", str(tmp_path / "outlines.nii.gz")]) == 0
    labels = atlas.load().labels
    np.testing.assert_array_equal(read_volume(tmp_path / "outlines.nii.gz").data, atlas.outlines(labels).data)


def test_an_empty_overlay_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_nifti(GRID, tmp_path / "empty.nii.gz")
    assert main(["atlas", "aggregate", str(tmp_path / "empty.nii.gz"), "-o", str(tmp_path / "out")]) == 1
    assert f"{tmp_path / 'empty.nii.gz'}: the point-cloud volume is empty" in capsys.readouterr().err


def test_what_can_not_be_added_or_averaged_is_refused() -> None:
    other = OverlaySum.empty(Volume(np.zeros((40, 30, 20), np.uint8), np.eye(4)))
    with pytest.raises(GeometryError, match="different grids"):
        of_case(sheet(40.0)).plus(other)
    with pytest.raises(InputError, match="no case was added up"):
        aggregate_overlays([], GRID)
    with pytest.raises(ConfigError, match="smoothing_mm is 0 or more, found -1"):
        of_case(sheet(40.0)).mean(-1)
    with pytest.raises(InputError, match="no ridge"):
        extract_ridge(GRID)
    with pytest.raises(InputError, match=r"of shape \(N, 3\); found \(4,\)"):
        OverlayCloud(np.zeros(4), np.array([0.0, 0, 1]), 0.5, 5.0)
    with pytest.raises(InputError, match="longer than 0"):
        OverlayCloud(np.zeros((4, 3)), np.zeros(3), 0.5, 5.0)
