"""What a model costs: exact counts by convention, and measured time and memory."""
