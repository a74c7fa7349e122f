"""Training of the Asymmetry Disentanglement Network (Ni et al., MICCAI 2022) and of what it is compared with."""
