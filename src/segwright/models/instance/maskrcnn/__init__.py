"""Mask R-CNN: proposals, boxes, and a mask in each box."""
