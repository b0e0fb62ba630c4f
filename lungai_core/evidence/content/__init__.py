"""What stands in each document: one function an artefact, from material to sections."""
