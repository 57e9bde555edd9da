"""What tiling costs in accuracy, and what a crop costs in time.

`rmse` compares two maps on their common window. `distortion_curve` compares a network's
output of one chunk with its output of the whole image, crop by crop. `seam_score` needs
one map only: it tells whether its tiles can be seen.
"""
