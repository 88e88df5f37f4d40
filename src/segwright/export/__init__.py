"""Run -> bundle, with the parity proof."""

from segwright.export.bundle_export import export_bundle
from segwright.export.bundling import BundleFacts
from segwright.export.folds_export import export_folds
from segwright.export.onnx_export import export_onnx
from segwright.export.parity import ParityFrame, ParityProof, Tolerance, parity
from segwright.export.run_export import export_run

__all__ = [
    "BundleFacts",
    "ParityFrame",
    "ParityProof",
    "Tolerance",
    "export_bundle",
    "export_folds",
    "export_onnx",
    "export_run",
    "parity",
]
