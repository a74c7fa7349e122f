"""A head through a network: onto its grid, forward, and once more from the pose that the network found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepstroke.errors import InputError, WeightsError
from deepstroke.frames import apply_affine
from deepstroke.inference.backends import Backend
from deepstroke.inference.classes import mirrored_channels
from deepstroke.inference.pose import Pose, fit_pose
from deepstroke.inference.preparation import HEAD_HU, HeadOnGrid, Shown, centred_grid, head_on_grid, network_image
from deepstroke.inference.settings import InferenceSettings
from deepstroke.inference.tiles import over_windows, widened
from deepstroke.inference.weights import WeightsManifest
from deepstroke.preprocess.resampling import Grid
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    from torch import Tensor, nn


#: By this factor a pass's residual is larger than another's for more reasons than chance, which would part a head from
#: its mirror image.
_CLEARLY_WORSE = 1.1


@dataclass(frozen=True)
class PassFacts:
    """What one pass through the network found.

    Attributes:
        turned_deg, shifted_mm: of the head against the grid of the pass.
        residual_mm: of the pose's fit.
    """

    turned_deg: float
    shifted_mm: float
    residual_mm: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of a head, on its own grid.

    Attributes:
        logits: (K, i, j, k) float32, on the device that computed them.
        template_mm: (3, i, j, k) where each voxel lies in the template, RAS+ mm; None from a network without.
        grid: where these lie in the scan.
        brain: (i, j, k) bool, the brain on that grid.
        pose: of the head; None from a network without coordinates.
        passes: through the network, in their order; none without coordinates.
    """

    logits: Tensor
    template_mm: Tensor | None
    grid: Grid
    brain: np.ndarray
    pose: Pose | None
    passes: tuple[PassFacts, ...]

    def facts(self) -> dict[str, Any]:
        """Plain values for the report."""
        pose = None
        if self.pose is not None:
            pose = {"residual_mm": self.pose.residual_mm, "scale": self.pose.scale}
        return {"passes": [asdict(one) for one in self.passes], "pose": pose}


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network with what it needs to be applied.

    Attributes:
        manifest: of its weights.
        backend: what computes.
        divisor: sizes of grids that it takes are multiples of this.
        settings: how it is applied.
    """

    manifest: WeightsManifest
    backend: Backend
    divisor: int = 1
    settings: InferenceSettings = field(default_factory=InferenceSettings)

    @classmethod
    def of(
        cls, network: nn.Module, manifest: WeightsManifest, backend: Backend, settings: InferenceSettings
    ) -> Predictor:
        """The predictor of a network."""
        return cls(manifest, backend, int(getattr(network, "divisor", 1)), settings)

    def predict(self, scan: Volume, brain: LabelMap) -> Prediction:
        """Segment a head on the network's grid.

        A head that lies turned or displaced by more than the settings say is brought upright and segmented again; the
        second answer is taken unless its coordinates fit a head clearly worse: the pose was wrong then.

        Args:
            scan: HU on any orthogonal grid.
            brain: mask on the scan's grid.

        Raises:
            GeometryError: the mask lies on another grid.
            InputError: the brain is empty, or no pose can be told (code ``no-pose``).
            WeightsError: the network can't be fed, or gives values that aren't finite.
        """
        scan.require_same_grid(brain, "the brain mask")
        first = self._passed(scan, brain, self.first_grid(scan, brain))
        if first.pose is None or not self._wants_second(first.passes[0]):
            return first
        given = self.manifest.input
        second = self._passed(scan, brain, first.pose.canonical_grid(given.spacing_mm, given.shape))
        passes = (*first.passes, *second.passes)
        worse = second.passes[0].residual_mm > _CLEARLY_WORSE * first.passes[0].residual_mm
        better = first if worse else second
        return Prediction(better.logits, better.template_mm, better.grid, better.brain, better.pose, passes)

    def first_grid(self, scan: Volume, brain: LabelMap) -> Grid:
        """The grid of the first pass: along right, anterior, superior about the brain."""
        given = self.manifest.input
        about = brain.mask if given.centre == "brain" else scan.data > HEAD_HU
        return centred_grid(scan, about, given.spacing_mm, given.shape)

    def output(self, image: np.ndarray) -> Tensor:
        """The network's channels (K, i, j, k) of an image (i, j, k) of 0..1.

        Raises:
            WeightsError: values aren't finite, or channels are missing.
        """
        import torch

        given, wanted = self.manifest.input, self.manifest.output
        channels = len(wanted.labels) + (0 if wanted.coordinate_unit_mm is None else 3)
        batch = torch.from_numpy(np.ascontiguousarray(image))[None, None]
        window = given.window
        if window is None or all(n <= most for n, most in zip(image.shape, window, strict=True)):
            output = self._whole(batch)[0]
        else:
            output = over_windows(self._whole, batch, window, given.overlap)[0]
        if output.shape[0] != channels:
            raise WeightsError(
                f"weights {self.manifest.name} give {output.shape[0]} channels, their manifest names {channels}",
                code="channels",
            )
        if not bool(torch.isfinite(output).all()):
            raise WeightsError(
                f"weights {self.manifest.name} give values that are not finite on {self.backend.description}; "
                "use --backend torch, or --device cpu",
                code="not-finite",
            )
        return output

    def _passed(self, scan: Volume, brain: LabelMap, grid: Grid) -> Prediction:
        head = head_on_grid(scan, brain.mask, grid)
        if not head.brain.any():
            raise InputError("no brain lies on the network's grid: its mask or the pose is wrong", code="no-pose")
        image = network_image(head, shown_of(self.manifest), self.manifest.input.hu_range)
        output = self.output(image)
        if self.settings.flips:
            mirrored = self._unflipped(self.output(image[::-1]))
            output = (output.to(mirrored.device) + mirrored) / 2.0
        return self._read(output, head)

    def _read(self, output: Tensor, head: HeadOnGrid) -> Prediction:
        classes, unit = len(self.manifest.output.labels), self.manifest.output.coordinate_unit_mm
        if unit is None:
            return Prediction(output, None, head.grid, head.brain, None, ())
        template_mm = output[classes:] * unit
        i, j, k = np.nonzero(head.brain)
        places = apply_affine(head.grid.ijk_to_ras, np.stack([i, j, k], axis=1))
        pose = fit_pose(places, template_mm.cpu().numpy()[:, i, j, k].T)
        facts = PassFacts(pose.turn_from(head.grid), pose.shift_from(head.grid), pose.residual_mm)
        return Prediction(output[:classes], template_mm, head.grid, head.brain, pose, (facts,))

    def _unflipped(self, output: Tensor) -> Tensor:
        """The answer to a mirrored head, mirrored back: sides are exchanged, and x changes its sign."""
        labels = self.manifest.output.labels
        output = output.flip(1)
        output = output[[*mirrored_channels(labels), *range(len(labels), output.shape[0])]]
        if self.manifest.output.coordinate_unit_mm is not None:
            output[len(labels)] *= -1.0
        return output

    def _whole(self, batch: Tensor) -> Tensor:
        i, j, k = batch.shape[2:]
        padded = widened(batch, tuple(-(-n // self.divisor) * self.divisor for n in (i, j, k)))
        return self.backend(padded)[..., :i, :j, :k]

    def _wants_second(self, facts: PassFacts) -> bool:
        settings = self.settings
        return facts.turned_deg > settings.second_pass_degrees or facts.shifted_mm > settings.second_pass_mm


def shown_of(manifest: WeightsManifest) -> Shown:
    """What the network is shown: brains alone where it knows them, else whole heads.

    Raises:
        WeightsError: it knows only brains that were registered before.
    """
    shown: Shown
    for shown in ("stripped", "raw"):
        if shown in manifest.input.stages:
            return shown
    stages = " or ".join(manifest.input.stages)
    raise WeightsError(
        f"weights {manifest.name} take heads that are {stages}; raw or stripped is expected", code="stages"
    )
