"""Frame and model -> prediction: preprocessing, tiles, decision, cleanup, runtimes, and the bundle they travel in."""

from segwright.infer.cleanup import Cleanup, clean
from segwright.infer.decide import Decision, decide
from segwright.infer.prediction import SemanticPrediction
from segwright.infer.predictor import Predictor
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan, predict_probabilities

__all__ = [
    "Cleanup",
    "Decision",
    "Predictor",
    "Preprocessing",
    "SemanticPrediction",
    "TilePlan",
    "clean",
    "decide",
    "predict_probabilities",
]
