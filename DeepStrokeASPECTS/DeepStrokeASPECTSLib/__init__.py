"""The radiologist's module: the widget shows and signals, the logic joins nodes with a child process of `deepstroke`.

`reading`, `audit`, `placing` and `batch` need neither Qt nor Slicer.
"""  # noqa: N999 - Slicer's convention for libraries of scripted modules
