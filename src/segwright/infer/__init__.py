"""Frame and model -> prediction: preprocessing, tiles, decision, cleanup, runtimes, and the bundle they travel in."""

from segwright.infer.bundle import Bundle, Lineage, Weights, read_bundle, with_thresholds, write_bundle
from segwright.infer.cleanup import Cleanup, clean
from segwright.infer.decide import Decision, decide
from segwright.infer.loading import load, predictor_of
from segwright.infer.prediction import SemanticPrediction
from segwright.infer.predictor import Predictor
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan, predict_probabilities

__all__ = [
    "Bundle",
    "Cleanup",
    "Decision",
    "Lineage",
    "Predictor",
    "Preprocessing",
    "SemanticPrediction",
    "TilePlan",
    "Weights",
    "clean",
    "decide",
    "load",
    "predict_probabilities",
    "predictor_of",
    "read_bundle",
    "with_thresholds",
    "write_bundle",
]
