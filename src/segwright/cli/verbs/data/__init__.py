"""The subverbs of `segwright data`: one file each, imported only when it is used."""
