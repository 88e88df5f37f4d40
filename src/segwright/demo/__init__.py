"""The guide's worked example, generated and run offline: brackets on a conveyor, and the heuristic it replaces."""
