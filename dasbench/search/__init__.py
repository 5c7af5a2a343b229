"""Which trials to run next, and who runs them."""
