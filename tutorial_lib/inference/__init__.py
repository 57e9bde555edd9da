"""Maps of whole scenes: plan a tiled inference, then run it."""
