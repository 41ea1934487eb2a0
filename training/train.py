"""Train the demo checkpoint: `python training/train.py --help`."""

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.distributed as dist
from open_clip import CLIP
from torch import Tensor

from demo_clip.architecture import MODEL_CFG, CompactVocabulary, build_model
from demo_clip.batches import Batch, draw_batches
from demo_clip.export import save_checkpoint
from demo_clip.losses import Helpers
from demo_clip.objective import Objective, Weights

AVERAGED_STEPS = 10
"""Steps between two averagings of the workers' weights."""

STAGES: dict[str, Weights] = {
    "features": Weights(image=0.0, region=0.0, region_helper=1.0),
    "maps": Weights(helper=0.8, region=2.0, region_helper=0.7, spread=3.0, n_maps=1),
    "whole": Weights(helper=0.6, region=2.0, region_helper=0.6, raw_map=0.3, refined=1.5, own_regions=1),
}
"""First what patches and regions show, then texts and evidence maps, then refined maps and g on f's own proposals."""


def learning_rate(stage: str, fraction: float, peak: float) -> float:
    """Warm up over the first 2 % of a stage; in the last stage fall along a half cosine to 2 % of the peak."""
    if fraction < 0.02:
        return peak * (fraction / 0.02 + 0.01)
    if stage != "whole":
        return peak
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (fraction - 0.02) / 0.98)))


class Average:
    """Exponential moving average of the weights: what is saved."""

    def __init__(self, model: torch.nn.Module):
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.steps = 0

    def update(self, model: torch.nn.Module) -> None:
        """Move towards the model; faster in the beginning."""
        self.steps += 1
        rate = 1 - min(0.998, (1 + self.steps) / (10 + self.steps))
        for mean, value in zip(self.model.parameters(), model.parameters(), strict=True):
            mean.lerp_(value.detach(), rate)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the training state")
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="length of the stage")
    parser.add_argument("--max-steps", type=int, default=10**9)
    parser.add_argument("--resume", type=Path, help="training state of the stage before")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--regions-per-scene", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes with one thread each")
    parser.add_argument("--one-process", action="store_true", help="draw the scenes in the training process")
    parser.add_argument("--save-minutes", type=float, default=5.0)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Train one stage in one or more processes that average their weights now and then."""
    options = parse_arguments(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.workers == 1:
        work(0, options)
        return
    (options.out / "rendezvous").unlink(missing_ok=True)
    torch.multiprocessing.spawn(work, (options,), nprocs=options.workers)


def work(rank: int, options: argparse.Namespace) -> None:
    """Train with one thread: local steps on batches of its own, averaged with the other workers (local SGD)."""
    torch.set_num_threads(1)
    if options.workers > 1:
        meeting = f"file://{(options.out / 'rendezvous').resolve()}"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=options.workers)
    torch.manual_seed(options.seed)
    vocabulary = CompactVocabulary()
    model = build_model(vocabulary)
    helpers = Helpers(MODEL_CFG["vision_cfg"]["width"], MODEL_CFG["embed_dim"])
    if options.resume:
        state = torch.load(options.resume, weights_only=True)
        model.load_state_dict(state["model"])
        helpers.load_state_dict(state["helpers"], strict=False)
    seed = options.seed + 1000 * rank
    batches = draw_batches(seed, options.batch_size, options.regions_per_scene, not options.one_process)
    train(model, helpers, Objective(model, helpers, vocabulary, seed), batches, options, rank)


def train(
    model: CLIP,
    helpers: Helpers,
    objective: Objective,
    batches: Iterator[Batch],
    options: argparse.Namespace,
    rank: int,
) -> None:
    """Run the steps of one stage; the first worker saves now and then."""
    average = Average(model)
    parameters = [*model.parameters(), *helpers.parameters()]
    optimiser = make_optimiser(parameters)
    log = Log(options.out / f"log{rank}.jsonl", options.stage)
    start = saved = time.monotonic()
    for step, batch in enumerate(batches):
        minutes = (time.monotonic() - start) / 60
        if step % AVERAGED_STEPS == 0:
            fraction = average_workers(max(minutes / options.minutes, step / options.max_steps), parameters, options)
            if fraction >= 1:
                break
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(options.stage, fraction, options.learning_rate)
        total, parts = objective(batch, STAGES[options.stage])
        optimiser.zero_grad(set_to_none=False)
        total.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        average.update(model)
        log.add(step, minutes, parts)
        if rank == 0 and time.monotonic() - saved > 60 * options.save_minutes:
            save(average, helpers, objective.vocabulary, options.out)
            saved = time.monotonic()
    if rank == 0:
        save(average, helpers, objective.vocabulary, options.out)


def make_optimiser(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """Make AdamW that decays matrices only."""
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 0.03},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
        fused=True,
    )


class Log:
    """Running means of the losses, a line of JSON now and then."""

    def __init__(self, path: Path, stage: str):
        self.stage = stage
        self.file = path.open("a")
        self.means: dict[str, float] = {}

    def add(self, step: int, minutes: float, parts: dict[str, float]) -> None:
        """Add the losses of one step."""
        for name, value in parts.items():
            self.means[name] = 0.95 * self.means.get(name, value) + 0.05 * value
        if step % 50 == 0:
            record = {"stage": self.stage, "step": step, "minutes": round(minutes, 2)}
            rounded = {name: round(value, 4) for name, value in self.means.items()}
            self.file.write(json.dumps(record | rounded) + "\n")
            self.file.flush()


def average_workers(fraction: float, parameters: list[Tensor], options: argparse.Namespace) -> float:
    """Average the workers' weights in place; return the stage's progress as worker 0 sees it."""
    if options.workers == 1:
        return fraction
    with torch.no_grad():
        flat = torch.cat([p.flatten() for p in parameters])
        dist.all_reduce(flat)
        flat /= options.workers
        for p, mean in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            p.copy_(mean.view_as(p))
    progress = torch.tensor([fraction])
    dist.broadcast(progress, 0)
    return float(progress)


def save(average: Average, helpers: Helpers, vocabulary: CompactVocabulary, out: Path) -> None:
    """Write the averaged weights as a checkpoint, and the state from which a next stage starts."""
    save_checkpoint(average.model, vocabulary, out)
    torch.save({"model": average.model.state_dict(), "helpers": helpers.state_dict()}, out / "state.pt")


if __name__ == "__main__":
    main()
