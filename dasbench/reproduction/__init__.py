"""The paper's tables beside what is counted and trained here."""
