"""What pixels say: the kernel by its noise, contrast by brightness, and whether there is an image of a head at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.dicom import SeriesRecord, choose_series, inspect
from deepstroke.errors import DicomSeriesError
from phantoms import Points, Stack, axial_stack, ct_slices, head_hu, write_series

#: Fine enough pixels for the noise to show its grain.
FINE = axial_stack(np.arange(-72.0, 76.0, 12.0), rows=224, columns=192, spacing=(0.95, 0.9), thickness=12.0)


def noisy(sigma: float, grain: float) -> Callable[[Points], Points]:
    """The head with noise whose neighbouring pixels are correlated over ``grain`` pixels."""
    rng = np.random.default_rng(1)

    def field(lps: Points) -> Points:
        noise: NDArray = (
            ndimage.gaussian_filter(rng.standard_normal(lps.shape[:-1]), grain)
            if grain
            else (rng.standard_normal(lps.shape[:-1]))
        )
        return np.maximum(head_hu(lps) + sigma * noise / noise.std(), -1024.0)

    return field


def record_of(folder: Path, field: Callable[[Points], Points], stack: Stack = FINE, **tags: Any) -> SeriesRecord:
    write_series(folder, ct_slices(stack, field, **tags))
    (record,) = inspect(folder).series
    return record


def codes(record: SeriesRecord) -> set[str]:
    return {entry.code for entry in (*record.reasons, *record.findings)}


@pytest.mark.parametrize("kernel", ["STANDARD", "BONEPLUS"])
def test_a_bone_kernel_is_refused_by_its_noise_whatever_its_tag(kernel: str, tmp_path: Path) -> None:
    record = record_of(tmp_path, noisy(40.0, 0.0), ConvolutionKernel=kernel)
    assert [reason.code for reason in record.reasons] == ["bone-kernel"]
    assert "noise of 40 HU" in record.reasons[0].message
    with pytest.raises(DicomSeriesError, match="bone kernel"):
        choose_series(inspect(tmp_path))


@pytest.mark.parametrize("kernel", ["H70h", "FC30", "BONE"])
def test_a_soft_kernel_with_a_wrong_tag_is_kept_and_flagged(kernel: str, tmp_path: Path) -> None:
    record = record_of(tmp_path, noisy(5.0, 1.0), ConvolutionKernel=kernel)
    assert record.usable
    assert "kernel-tag-contradicted" in codes(record)


def test_a_bone_tag_warns_where_the_pixels_are_unclear(tmp_path: Path) -> None:
    record = record_of(tmp_path, noisy(12.0, 0.0), ConvolutionKernel="EDGE")
    assert record.usable
    assert "bone-kernel-tag" in codes(record)


def test_a_noisy_thin_soft_kernel_is_no_bone_kernel(tmp_path: Path) -> None:
    assert codes(record_of(tmp_path, noisy(20.0, 1.0))) == set()


def test_an_empty_volume_is_refused_by_name(tmp_path: Path) -> None:
    record = record_of(tmp_path, lambda lps: np.zeros(lps.shape[:-1]))
    assert [reason.code for reason in record.reasons] == ["empty"]
    with pytest.raises(DicomSeriesError, match="same value"):
        choose_series(inspect(tmp_path))


def test_a_volume_without_a_brain_in_a_skull_is_flagged(tmp_path: Path) -> None:
    water = record_of(tmp_path, lambda lps: np.where(np.linalg.norm(lps, axis=-1) < 70, 0.0, -1000.0))
    assert "no-brain-seen" in codes(water)


def test_bright_vessels_without_a_tag_are_flagged(tmp_path: Path) -> None:
    def with_vessels(lps: Points) -> Points:
        hu = head_hu(lps)
        grid = (np.hypot((lps[..., 0] + 5) % 18 - 9, (lps[..., 1] + 5) % 18 - 9) < 2.5) & (hu == 30)
        return np.where(grid, 280.0, hu)

    assert "contrast-suspected" in codes(record_of(tmp_path / "vessels", with_vessels))
    assert "contrast-suspected" not in codes(record_of(tmp_path / "plain", head_hu))


def test_the_real_study_in_one_folder_is_sorted_out(shared_data: Callable[[str], Path]) -> None:
    """Five series: the axial brain is chosen although kernel tags of brain and bone look swapped."""
    inspection = inspect(shared_data("ct/toshiba-study"))
    chosen = choose_series(inspection)
    assert (chosen.number, chosen.slices, chosen.orientation) == (2, 33, "axial")
    assert chosen.tilt_deg == pytest.approx(10.5, abs=0.01)
    assert chosen.description == "Brain Head 5.0"
    why = {record.number: [reason.code for reason in record.reasons] for record in inspection.series}
    assert why == {2: [], 1: ["localizer"], 3: ["bone-kernel"], 5: ["coronal"], 6: ["sagittal"]}
    assert inspection.rejected == ()


def test_the_real_skull_phantom_is_flagged(shared_data: Callable[[str], Path]) -> None:
    (record,) = inspect(shared_data("ct/philips-phantom-tilted")).series
    assert record.tilt_deg == pytest.approx(18.5, abs=0.01)
    assert "no-brain-seen" in codes(record)
