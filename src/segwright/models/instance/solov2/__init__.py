"""SOLOv2: one file a part of the paper's figure."""
