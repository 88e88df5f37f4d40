"""Frames that show the same picture: flipped, turned, scaled, encoded again, brightened, cropped.

`descriptor` says what a frame looks like in a few numbers, `search` finds candidates among many frames, `verify` looks
at a candidate's pixels, and `pairs` puts the three together.
"""

from segwright.data.checks.near.descriptor import describe, similarity
from segwright.data.checks.near.pairs import NearPair, duplicates_across, duplicates_within, larger_of

__all__ = ["NearPair", "describe", "duplicates_across", "duplicates_within", "larger_of", "similarity"]
