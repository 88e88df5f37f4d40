"""From what networks say of objects to objects."""
