"""Who runs trials: a plain loop, or Ray Tune."""
