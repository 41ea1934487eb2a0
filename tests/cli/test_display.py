"""What stands in the progress bar and in the line of an image."""

import subprocess
import sys

import numpy as np
import pytest

from napari_car.cli.display import Display, describe_result, describe_stage
from napari_car.queries import Query
from napari_car.results import Progress, Proposals, QueryResult, Step


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Progress("image", 0, 0, 1), "looking at the image"),
        (Progress("texts", 0, 0, 1), "reading the queries"),
        (Progress("proposals", 2, 1, 3), "step 2: 3 of 5 queries left, proposing masks 1/3"),
        (Progress("classification", 2, 0, 1), "step 2: 3 of 5 queries left, classifying masks"),
        (Progress("refinement", 0, 4, 10), "refining masks 4/10"),
    ],
)
def test_stage(event: Progress, said: str) -> None:
    assert describe_stage(event, 3, 5) == said


def test_time_step() -> None:
    maps, similarity = np.zeros((1, 2, 2), np.float32), np.ones((1, 1), np.float32)
    step = Step(2, (0,), Proposals(maps, (4, 4)), similarity, np.ones(1, np.float32), np.ones(1, bool))
    assert describe_stage(step, 1, 5) == "step 2: 1 of 5 queries left"


class Found:
    """As much of a segmentation as the line needs."""

    def __init__(self, *queries: QueryResult) -> None:
        self.queries = queries


def result(text: str, score: float, verdict: str, *, has_mask: bool) -> QueryResult:
    return QueryResult(Query(text), 1, verdict, has_mask, (score,), None if has_mask else 1)


def test_line_of_an_image() -> None:
    found = Found(
        result("sofa", 0.55, "uncertain", has_mask=True),
        result("cat", 0.934, "present", has_mask=True),
        result("dog", 0.1, "absent", has_mask=False),
        result("bird", 0.45, "uncertain", has_mask=False),
    )
    assert describe_result(found) == "cat 0.93, sofa 0.55 (uncertain); not found: bird (uncertain), dog"


def test_long_lines_are_cut() -> None:
    absent = [result(f"q{i}", 0.0, "absent", has_mask=False) for i in range(20)]
    assert describe_result(Found(*absent)).endswith("q6, q7 and 12 more")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_bar_is_drawn_on_a_terminal_and_lines_go_to_the_file() -> None:
    import os
    import pty

    code = (
        "from napari_car.cli.display import Display\n"
        "with Display(2) as display:\n    display.say('line of an image')\n    display.advance()\n"
    )
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=follower, env=environment)
    os.close(follower)
    drawn = os.read(leader, 100_000).decode()
    assert done.stdout == b"line of an image\n"
    assert "loading the networks" in drawn
    assert "/2" in drawn


def test_nothing_is_drawn_without_a_terminal() -> None:
    code = "from napari_car.cli.display import Display\nwith Display(1) as display:\n    display.advance()\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b""


def test_time_left_is_known_however_long_an_image_takes() -> None:
    display, times = Display(5), iter((600.0, 1200.0))
    display._bars.get_time = lambda: next(times)
    display.advance()
    display.advance()
    assert display._bars.tasks[0].time_remaining == 1800
