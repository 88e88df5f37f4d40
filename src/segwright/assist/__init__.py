"""Less annotation: objects from the masks that are there."""

from segwright.assist.seeds import Case, SeedReport, Seeds, seed_dataset, seed_table

__all__ = ["Case", "SeedReport", "Seeds", "seed_dataset", "seed_table"]
