"""What the verb `train` does beyond one run."""
