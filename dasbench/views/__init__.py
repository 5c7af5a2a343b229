"""What is known of studies and trials, as typed data: no words, no pictures, no torch."""
