"""How a score grows with the number of labelled frames, and what the next frames should bring."""

from segwright.evaluate.learning_curve.curves import LearningCurve, learning_curves
from segwright.evaluate.learning_curve.forecast import FEWEST_SIZES, Forecast, Refusal, forecast
from segwright.evaluate.learning_curve.law import LAW, PowerLaw, fit_power_law
from segwright.evaluate.learning_curve.points import CurvePoint, SizeSummary, by_size

__all__ = [
    "FEWEST_SIZES",
    "LAW",
    "CurvePoint",
    "Forecast",
    "LearningCurve",
    "PowerLaw",
    "Refusal",
    "SizeSummary",
    "by_size",
    "fit_power_law",
    "forecast",
    "learning_curves",
]
