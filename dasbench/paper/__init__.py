"""Every number that the DAS paper prints, once, and the look-up that finds it."""
