"""How the networks of the comparison are trained: the paper's settings, or those its authors published as code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from deepstroke.errors import ConfigError
from deepstroke.networks.asymmetry import AsymmetryPreset
from deepstroke_training.asymmetry.augmentation import PoseAugmentation

Method = Literal["adn", "adn_without_tissue", "clerigues", "residual_aligned", "residual", "unet"]
#: What the paper's table 1 calls them.
METHOD_NAMES: dict[Method, str] = {
    "adn": "ADN",
    "adn_without_tissue": "ADN w/o L_tissue",
    "clerigues": "Clèrigues et al. (aligned CT + its mirror)",
    "residual_aligned": "3D ResUNet, aligned",
    "residual": "3D ResUNet",
    "unet": "3D U-Net",
}
#: Where the presets part; the paper's come first.
_LEARNING_RATE: dict[AsymmetryPreset, float] = {"paper": 1e-3, "reference": 1e-4}
_ALIGNMENT_BATCH: dict[AsymmetryPreset, int] = {"paper": 6, "reference": 40}
#: The smallest value of each whole number and weight.
_LEAST: dict[str, int] = {
    **dict.fromkeys(("training_cases", "supersampling", "epochs", "batch"), 1),
    **dict.fromkeys(("alignment_epochs", "descent_steps", "alignment_warm_up", "refine_steps", "warm_epochs"), 0),
    **dict.fromkeys(("tissue_weight", "regularisation"), 0),
    "test_cases": 2,
}


@dataclass(frozen=True)
class AsymmetrySettings:
    """Of one comparison.

    Attributes:
        preset: the paper's or the reference's limits, losses and rates.
        methods: which are trained.
        aisd: folder of the AISD data set; none: synthetic strokes.
        training_cases, test_cases: how many; of AISD in the order of their names.
        spacing_mm, shape: of synthetic cases; the paper's grid is 256 x 256 x 40 at 1.2 x 1.2 x 5 mm.
        supersampling: along each axis how many voxels a synthetic head is drawn with for each of its own, which is
            their mean; 1: values at points, in which noise and the borders of tissue hide early infarcts.
        base_channels: of the U-Nets; 32 in the paper.
        alignment_epochs, epochs: of T, and of each method.
        descent_steps: 0: T learns from its own loss, as published. More: it learns the poses that so many steps of
            descent on that loss find for each training head, along with the known motion of varied copies.
        alignment_warm_up: steps in which T's rate grows to ``lr_alignment``.
        alignment_clip: largest norm of T's gradient; none: any, as published.
        refine_steps: of descent by which each case's pose is made better than T's, in training and in tests; 0: T
            alone, as published.
        warm_epochs: at first, in which D learns from the lesions too.
        warm_dice: whether the paper's warm start has the generalised Dice beside the cross-entropy, as the reference's
            has; with infarcts in a hundredth of the voxels D otherwise takes long to find any.
        tissue_weight, regularisation: of L_tissue within L_D, and of L_D (lambda).
        symmetric_tissue: count grey beside white matter both ways.
        augmentation: turned, flipped and brighter or darker copies; none: the preset's, which is none in the paper and
            the reference's own there. It also shows T more poses than the cases have.
        reconstruct: keep in T's loss the term without which an empty volume is best.
        lr_alignment: of T.
        lr: of the others; none: the preset's.
        batch: of the others.
        precision: of the arithmetic of D, F and the baselines in training; T and every test have 32 bits.
        seed: of cases, weights and order.

    Raises:
        ConfigError: a value is out of range; one fault a line.
    """

    preset: AsymmetryPreset = "paper"
    methods: tuple[Method, ...] = get_args(Method)
    aisd: Path | None = None
    training_cases: int = 40
    test_cases: int = 12
    spacing_mm: float = 3.0
    shape: tuple[int, int, int] = (64, 72, 48)
    supersampling: int = 1
    base_channels: int = 32
    alignment_epochs: int = 20
    epochs: int = 40
    descent_steps: int = 0
    alignment_warm_up: int = 0
    alignment_clip: float | None = None
    refine_steps: int = 0
    warm_epochs: int = 2
    warm_dice: bool = False
    tissue_weight: float = 1.0
    regularisation: float = 10.0
    symmetric_tissue: bool = False
    augmentation: PoseAugmentation | None = None
    reconstruct: bool = True
    lr_alignment: float = 1e-5
    lr: float | None = None
    batch: int = 6
    precision: Literal["32", "bf16"] = "32"
    seed: int = 0

    def __post_init__(self) -> None:
        faults = [
            f"{name}: {minimum} or more is expected, found {getattr(self, name)}"
            for name, minimum in _LEAST.items()
            if getattr(self, name) < minimum
        ]
        unknown = [method for method in self.methods if method not in get_args(Method)]
        if unknown or not self.methods:
            faults.append(f"methods: some of {', '.join(get_args(Method))} are expected, found {list(self.methods)}")
        if self.preset not in get_args(AsymmetryPreset):
            faults.append(f"preset: one of {', '.join(get_args(AsymmetryPreset))} is expected, found {self.preset!r}")
        if self.precision not in ("32", "bf16"):
            faults.append(f"precision: 32 or bf16 is expected, found {self.precision!r}")
        if len(self.shape) != 3 or min(self.shape) < 16:
            faults.append(f"shape: three sizes of 16 voxels or more are expected, found {self.shape}")
        if not (self.lr_alignment > 0 and (self.lr is None or self.lr > 0)):
            faults.append(f"lr, lr_alignment: above 0, found {self.lr}, {self.lr_alignment}")
        if self.alignment_clip is not None and not self.alignment_clip > 0:
            faults.append(f"alignment_clip: above 0, found {self.alignment_clip}")
        if faults:
            raise ConfigError("\n".join(faults), code="asymmetry-settings")

    @property
    def copies(self) -> PoseAugmentation | None:
        """How cases are varied in training; none: not at all."""
        if self.augmentation is not None:
            return self.augmentation
        return PoseAugmentation() if self.preset == "reference" else None

    @property
    def learning_rate(self) -> float:
        """Of D, F and the baselines."""
        return _LEARNING_RATE[self.preset] if self.lr is None else self.lr

    @property
    def alignment_batch(self) -> int:
        """Of T."""
        return _ALIGNMENT_BATCH[self.preset]
