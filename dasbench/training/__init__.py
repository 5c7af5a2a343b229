"""From a trial to its outcome: one loop, checkpoints, optimisers."""
