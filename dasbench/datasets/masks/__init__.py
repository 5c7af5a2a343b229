"""Images with a mask each: which belongs to which, and what its values or colours mean."""
