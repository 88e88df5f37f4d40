"""The parts of `segwright evaluate`: what is scored, what is demanded, and how the answer looks."""
