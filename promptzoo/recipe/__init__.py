"""YAML to model: reading, checking, building."""
