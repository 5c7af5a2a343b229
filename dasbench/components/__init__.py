"""What the kinds of components have in common: registration, traits, constructors as schemas."""
