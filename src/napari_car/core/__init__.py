"""CLIP as RNN: f, v, g, the recurrence over them, and the refinement of masks."""
