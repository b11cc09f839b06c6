"""Numbers in, a figure out."""
