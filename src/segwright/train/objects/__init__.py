"""Training on objects: frames with their objects as layers, crops that cut them, targets for instance networks."""
