"""Data sets of augmented samples: built, stored in two layouts, and loaded."""

from train.dataset.loader import Dataset
from train.dataset.samples import (
    CROPPED,
    FULL,
    LARGER_SHARE,
    Identifiers,
    Question,
    Samples,
    Views,
    predicted_canvases,
)
from train.dataset.tables import Metadata

__all__ = [
    "CROPPED",
    "FULL",
    "LARGER_SHARE",
    "Dataset",
    "Identifiers",
    "Metadata",
    "Question",
    "Samples",
    "Views",
    "predicted_canvases",
]
