"""What code a component runs, as a short hash that knows nothing of comments, places and Python versions."""
