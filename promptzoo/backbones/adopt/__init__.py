"""Adopters: one file a family."""
