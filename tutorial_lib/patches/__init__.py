"""Training samples: positions, the patches cut around them, and datasets of patches."""
