"""What is a part, a class, an image: told from folders or from a table of labels."""
