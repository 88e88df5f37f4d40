"""What runs a network. A runtime turns a batch into probabilities; one file a runtime."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt


class Runtime(Protocol):
    """A network ready to run: `(batch, bands, height, width)` float32 -> `(batch, channels, height, width)` float32.

    The answer holds probabilities: softmax is inside. Height and width are multiples of `stride_px`.
    """

    @property
    def name(self) -> str:
        """What runs the network, for messages and manifests: `onnxruntime 1.23 (CPU)`."""
        ...

    @property
    def channels(self) -> int:
        """How many classes the network answers for."""
        ...

    @property
    def stride_px(self) -> int:
        """Height and width of a batch must be multiples of this."""
        ...

    def __call__(self, batch: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]: ...
