"""Proof by experiment that a tiled map equals the map of the whole image."""
