"""Document sets for the FDA, the NMPA and the EU from recorded evidence."""
