"""Grad-CAM in 3D and its sanity checks, for research with torch."""
