"""What is asked: studies, trials and search spaces, checked."""
