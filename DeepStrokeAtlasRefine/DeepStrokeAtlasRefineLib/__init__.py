"""The module that annotators use; what is computed is `deepstroke.atlas`'s, imported when an atlas is loaded."""  # noqa: N999
