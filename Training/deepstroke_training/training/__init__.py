"""Training with Lightning: settings, the module, strategies, checkpoints that resume exactly, logs and export."""
