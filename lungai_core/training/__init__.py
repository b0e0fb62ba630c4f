"""Data sets, augmentation, training loop, cross-validation and export to a model pack."""
