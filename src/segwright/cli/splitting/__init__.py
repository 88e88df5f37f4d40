"""What `segwright split` reads from its options, and how it answers."""
