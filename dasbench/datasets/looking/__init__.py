"""Files looked at before they are used: read once, remembered, identified, surveyed."""
