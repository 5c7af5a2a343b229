"""Who proposes trials; one file per method."""
