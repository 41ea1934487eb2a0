"""Runs of the authors' program, stored in ``shared/reference``."""

from dataclasses import dataclass
from typing import Any

import numpy as np

CASES = (
    "sem_q5_bg5",
    "sem_q5_bg23_t15",
    "sem_q5_nobg",
    "sem_q3_nobg",
    "sem_q3_bg5",
    "sem_q1_bg5",
    "sem_q5_notpl",
    "sem_theta_none_pass",
    "sem_theta0",
    "sem_none_pass_nobg",
    "ref_q3_bg5_notpl",
    "ref_q5_bg5_notpl",
    "ref_q5_bg5_t3",
    "ref_q1_bg23_notpl",
)


@dataclass(frozen=True)
class Case:
    """One run of the authors' program."""

    name: str
    options: dict[str, Any]
    arrays: Any
    image: np.ndarray

    @property
    def n_steps(self) -> int:
        """Time steps that the program took."""
        return sum(key.endswith("/cam_up") for key in self.arrays)

    @property
    def n_comparable_steps(self) -> int:
        """Time steps that are truth: the program mistakes the rest (see the README of the reference data)."""
        if self.name.endswith("_notpl") and len(self.options["texts"]) > 1:
            return 1
        return self.n_steps

    def is_stale(self, step: int) -> bool:
        """Whether the program had no proposal of its own here: one query is left and there is no background."""
        return not self.options["bg"] and len(self.arrays[f"step{step}/diag"]) == 1
