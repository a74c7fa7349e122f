"""Networks: built by name with ``build(name, **settings)``, or from their parts. Ours need PyTorch alone."""

from deepstroke.networks.alignment import AlignmentNetwork, InPlanePose, mirrored
from deepstroke.networks.asymmetry import AsymmetryDisentanglementNetwork, AsymmetryMaps
from deepstroke.networks.blocks import BlockStyle, ResBlock3D, SqueezeExcite3D
from deepstroke.networks.cerebellum import CerebellumM1, CerebellumM2
from deepstroke.networks.cnn import CNNDecoder3D, CNNEncoder3D, least_size
from deepstroke.networks.group_norm_unets import DoubleConvUNet3D, ResidualUNet3D
from deepstroke.networks.registry import available, build, check, register, settings_of
from deepstroke.networks.unet3d import UNet3D, UNetEncoder3D

__all__ = [
    "AlignmentNetwork",
    "AsymmetryDisentanglementNetwork",
    "AsymmetryMaps",
    "BlockStyle",
    "CNNDecoder3D",
    "CNNEncoder3D",
    "CerebellumM1",
    "CerebellumM2",
    "DoubleConvUNet3D",
    "InPlanePose",
    "ResBlock3D",
    "ResidualUNet3D",
    "SqueezeExcite3D",
    "UNet3D",
    "UNetEncoder3D",
    "available",
    "build",
    "check",
    "least_size",
    "mirrored",
    "register",
    "settings_of",
]
