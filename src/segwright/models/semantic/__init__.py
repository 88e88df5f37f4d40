"""Semantic networks, one file each: what turns an encoder's feature pyramid into a class a pixel."""
