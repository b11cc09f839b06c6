"""Methods that touch several sites: one paper, one file."""
