"""Logs of a run in the form of other programs: the shelf `loggers` of the registry, and `Mirror`, which fills them."""
