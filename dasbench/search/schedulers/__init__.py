"""Who stops trials early that look hopeless; one file per method."""
