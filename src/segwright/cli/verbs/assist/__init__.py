"""The subverbs of `segwright assist`: one file each, imported only when it is used."""
