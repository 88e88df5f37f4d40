"""Decoders that turn a feature pyramid into one feature map at the frame's own size."""
