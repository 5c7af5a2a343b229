"""One file for each plot, which draws what a view computed."""
