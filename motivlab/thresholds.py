"""Thresholds of reliability and disclosure, one line a profile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Profile:
    """Thresholds on the unweighted n of a base, and on the share of item non-response among those asked."""

    suppress_below: int
    bracket_below: int
    suppress_missing: float
    flag_missing: float


PROFILES = {
    "standard": Profile(suppress_below=20, bracket_below=50, suppress_missing=0.30, flag_missing=0.10),
    "open": Profile(suppress_below=1, bracket_below=1, suppress_missing=np.inf, flag_missing=np.inf),
}
