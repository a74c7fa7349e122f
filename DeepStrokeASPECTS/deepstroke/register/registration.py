"""Registration of two heads behind one function, whatever the engine, with its quality measured and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from deepstroke.errors import ConfigError
from deepstroke.frames import Affine, as_affine
from deepstroke.progress import Progress, silent, within
from deepstroke.register.ants import AntsPreset, ants_transform
from deepstroke.register.greedy import greedy_transform
from deepstroke.register.quality import QualityLimits, judged, measured_quality
from deepstroke.register.settings import FastSettings
from deepstroke.register.transform import SpatialTransform
from deepstroke.register.working_image import WorkingImage, working_image
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    import torch

Engine = Literal["fast", "ants", "greedy"]


def register(
    fixed: Volume,
    moving: Volume,
    engine: Engine = "fast",
    preset: AntsPreset | None = None,
    device: str = "auto",
    *,
    fixed_mask: LabelMap | None = None,
    moving_mask: LabelMap | None = None,
    initial: Affine | None = None,
    settings: FastSettings | None = None,
    limits: QualityLimits | None = None,
    progress: Progress = silent,
) -> SpatialTransform:
    """Map a moving head onto a fixed one.

    Args:
        fixed: head CT in HU, any orthogonal grid, or one that is stripped (0 outside the brain).
        moving: the same; a CT-like template will do.
        engine: ``"fast"`` (PyTorch), ``"ants"`` (antspyx in a child process) or ``"greedy"`` (picsl-greedy).
        preset: of the engine ``"ants"``; ``"syn"`` without one.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``, for the engine ``"fast"``.
        fixed_mask: the brain on the fixed grid; extracted where it is absent.
        moving_mask: the brain on the moving grid; extracted where it is absent.
        initial: 4 x 4 affine from fixed RAS+ mm to moving RAS+ mm to start from, instead of a search.
        settings: of the engine ``"fast"``.
        limits: which figures of quality fail or warn.
        progress: told how far the work is.

    Returns:
        The transform from fixed to moving points, with ``.quality`` and ``.findings``.

    Raises:
        ConfigError: the engine, the preset or the device isn't known.
        GeometryError: a grid isn't orthogonal, or a mask lies on another grid than its image.
        InputError: an image holds no brain or values that aren't finite.
        MissingDependencyError: the engine's package isn't installed.
        RegistrationError: the result is worse than the limits allow; its figures stand in the message.

    Example:
        >>> transform = register(scan, atlas.template, moving_mask=atlas.brain)  # doctest: +SKIP
        >>> labels = transform.apply(atlas.labels, reference=scan)  # doctest: +SKIP
    """
    settings = settings or FastSettings()
    start = None if initial is None else as_affine(initial)
    progress(0.0, "preparing the images")
    still = working_image(fixed, fixed_mask, settings.spacing_mm, settings.margin_mm)
    moved = working_image(moving, moving_mask, settings.spacing_mm / 2, settings.margin_mm)
    stage = within(progress, 0.05, 0.95)
    transform = engine_transform(still, moved, engine, preset, device, start, settings, stage)
    progress(0.95, "measuring the fit")
    quality = measured_quality(transform, still, moved)
    return replace(transform, quality=quality, findings=judged(quality, limits or QualityLimits()))


def engine_transform(
    fixed: WorkingImage,
    moving: WorkingImage,
    engine: Engine = "fast",
    preset: AntsPreset | None = None,
    device: str = "auto",
    initial: Affine | None = None,
    settings: FastSettings | None = None,
    progress: Progress = silent,
) -> SpatialTransform:
    """What one engine makes of two working images; nothing is measured or judged yet.

    Arguments and errors are those of ``register``.
    """
    if engine not in get_args(Engine):
        raise ConfigError(f"engine is one of {', '.join(get_args(Engine))}, found {engine!r}", code="engine")
    if preset is not None and (engine != "ants" or preset not in get_args(AntsPreset)):
        raise ConfigError(
            f"preset {preset!r} with engine {engine!r}: "
            f"only the engine 'ants' has presets: {', '.join(get_args(AntsPreset))}",
            code="preset",
        )
    if engine == "ants":
        return ants_transform(fixed, moving, initial, preset or "syn", progress)
    if engine == "greedy":
        return greedy_transform(fixed, moving, initial, progress)
    from deepstroke.register.fast import fast_transform

    return fast_transform(fixed, moving, initial, settings or FastSettings(), _torch_device(device), progress)


def _torch_device(name: str) -> torch.device:
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device is auto, cpu, cuda or cuda:N, found {name!r}", code="device") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device {name!r} was asked for, but PyTorch finds no CUDA device", code="device")
    return device
