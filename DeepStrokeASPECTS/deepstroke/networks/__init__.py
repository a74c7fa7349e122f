"""Networks: built by name with ``build(name, **settings)``, or from their parts. Ours need PyTorch alone."""

from deepstroke.networks.blocks import BlockStyle, ResBlock3D, SqueezeExcite3D
from deepstroke.networks.cnn import CNNDecoder3D, CNNEncoder3D, least_size
from deepstroke.networks.registry import available, build, check, register, settings_of
from deepstroke.networks.unet3d import UNet3D, UNetEncoder3D

__all__ = [
    "BlockStyle",
    "CNNDecoder3D",
    "CNNEncoder3D",
    "ResBlock3D",
    "SqueezeExcite3D",
    "UNet3D",
    "UNetEncoder3D",
    "available",
    "build",
    "check",
    "least_size",
    "register",
    "settings_of",
]
