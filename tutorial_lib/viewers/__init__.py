"""Figures and widgets for notebooks: rasters, patches, maps, fields and trainings.

Everything is drawn on `matplotlib.figure.Figure`, never through pyplot: nothing here
depends on, or changes, what other cells draw. Matplotlib is not made for several
threads, so the explorers, which the browser calls in threads, draw one after the other.
"""
