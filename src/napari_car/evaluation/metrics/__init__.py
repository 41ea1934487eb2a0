"""What predictions are worth: exact metrics that are fed image by image."""

from .confusion import ConfusionMatrix
from .flicker import FlickerScores, FlickerTally
from .presence import PresenceScores, PresenceTally
from .referring import GeneralizedScores, ReferringScores, ReferringTally
from .segmentation_scores import Background, ClassScores, SegmentationScores
from .video import Statistics, TargetScores, VideoScores, VideoTally

__all__ = [
    "Background",
    "ClassScores",
    "ConfusionMatrix",
    "FlickerScores",
    "FlickerTally",
    "GeneralizedScores",
    "PresenceScores",
    "PresenceTally",
    "ReferringScores",
    "ReferringTally",
    "SegmentationScores",
    "Statistics",
    "TargetScores",
    "VideoScores",
    "VideoTally",
]
