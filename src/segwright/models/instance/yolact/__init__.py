"""YOLACT: prototypes for the frame, coefficients for each object."""
