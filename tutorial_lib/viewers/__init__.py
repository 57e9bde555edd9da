"""Figures and widgets for notebooks: rasters, patches, maps, fields and trainings.

Everything is drawn on `matplotlib.figure.Figure`, never through pyplot: nothing here
depends on, or changes, what other cells draw, and threads may draw at the same time.
"""
