"""What code a component runs, as a hash that knows no comments, places and Python versions."""
