"""What each figure shows, as typed data: no words, and nothing is drawn here."""
