"""What is compared with what, by which noise, and what came out."""
