"""One figure per file: info() computes, draw() draws."""
