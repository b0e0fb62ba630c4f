"""From a CT volume to a network's patches: spacing, Hounsfield window, sampling on the native grid."""
