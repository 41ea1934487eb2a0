"""Write the model card and the documentation page from the vocabulary and the stored figures."""

import argparse
import json
from pathlib import Path
from string import Template
from typing import Any

from demo_clip.architecture import MODEL_CFG, NATIVE_SIZE_PX, PATCH_SIZE_PX
from napari_car.templates import PAPER_TEMPLATES
from scenes.vocabulary import (
    BACKGROUND_QUERIES,
    CELLS,
    COLOUR_SYNONYMS,
    DRAWABLE_BACKGROUND_QUERIES,
    FIELDS,
    PATTERNS,
    SHAPES,
    SURFACES,
)

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "benchmarks/results/demo_checkpoint.json"
CARD = ROOT / "src/napari_car/demo/clip/README.md"
PAGE = ROOT / "docs/demo-checkpoint.md"
TEMPLATE = Path(__file__).parent / "card.md"


def vocabulary_table() -> str:
    """List every word the checkpoint was trained on, with its synonyms."""
    tables = {
        "colours (with every shape: `red circle`; alone: `red`)": COLOUR_SYNONYMS,
        "shapes (also alone)": SHAPES,
        "patterns of objects": {name: words for name, words in PATTERNS.items() if name != "plain"},
        "surfaces": SURFACES,
        "microscopy": CELLS,
        "empty fields of microscopy": FIELDS,
    }
    lines = ["| what | words (synonyms) |", "| --- | --- |"]
    for title, words in tables.items():
        named = [f"{name} ({', '.join(synonyms)})" if synonyms else name for name, synonyms in words.items()]
        lines.append(f"| {title} | {', '.join(named)} |")
    never = [word for word in BACKGROUND_QUERIES if word not in DRAWABLE_BACKGROUND_QUERIES]
    drawn = [word for word in BACKGROUND_QUERIES if word in DRAWABLE_BACKGROUND_QUERIES]
    lines.append(f"| background queries that are true of a surface | {', '.join(drawn)} |")
    lines.append(f'| background queries that are never drawn ("something else") | {", ".join(never)} |')
    return "\n".join(lines)


def figures_table(report: dict[str, Any]) -> str:
    """Lay out the stored figures, one variant a row."""
    lines = [
        "| variant | mean IoU | presence F1 | precision | recall | IoU drawn / microscopy | F1 drawn / microscopy |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, figures in report["figures"].items():
        by_domain = figures["by_domain"]
        iou, f1 = (
            " / ".join(f"{by_domain[domain][key]:.3f}" for domain in ("drawn", "microscopy"))
            for key in ("mean_iou", "presence_f1")
        )
        numbers = [figures[key] for key in ("mean_iou", "presence_f1", "presence_precision", "presence_recall")]
        lines.append(f"| {name} | {' | '.join(f'{number:.3f}' for number in numbers)} | {iou} | {f1} |")
    return "\n".join(lines)


def render(report: dict[str, Any]) -> str:
    """Fill the card's template."""
    vision = MODEL_CFG["vision_cfg"]
    text = MODEL_CFG["text_cfg"]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        vocabulary=vocabulary_table(),
        figures=figures_table(report),
        n_scenes=report["n_scenes"],
        first_seed=report["seeds"][0],
        last_seed=report["seeds"][1],
        sha256=report["checkpoint_sha256"],
        patch=PATCH_SIZE_PX,
        native=NATIVE_SIZE_PX,
        layers=vision["layers"],
        width=vision["width"],
        heads=vision["width"] // vision["head_width"],
        text_layers=text["layers"],
        text_width=text["width"],
        context=text["context_length"],
        embedding=MODEL_CFG["embed_dim"],
        n_templates=len(PAPER_TEMPLATES),
    )


def main(arguments: list[str] | None = None) -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args(arguments)
    card = render(json.loads(options.report.read_text(encoding="utf-8")))
    for path in (CARD, PAGE):
        path.write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
