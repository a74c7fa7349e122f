"""What both Slicer modules stand on: MRML nodes, child processes, and what has to be installed.

Nothing here computes anything medical: that is `deepstroke`'s, in a child process. In Slicer's own process only the
parts of `deepstroke` are imported that need nothing but numpy.
"""  # noqa: N999 - Slicer's convention for libraries of scripted modules
