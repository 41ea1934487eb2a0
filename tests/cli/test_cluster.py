"""A batch in several processes: the same labels, each image saved once, whatever becomes of the workers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from command_line import Command, fast_options, process_command, write_image
from distributed import Client, LocalCluster

from napari_car.annotation.document import Document, read_document
from napari_car.annotation.label_image import Recipe
from napari_car.annotation.ontology_file import write_ontology
from napari_car.annotation.project import Project, ProjectImage, Stamp
from napari_car.annotation.sheet import QuerySheet
from napari_car.cli import cluster as cluster_module
from napari_car.cli.checkpoints import choose_networks
from napari_car.cli.cluster_worker import WorkerTask, run_on_worker
from napari_car.cli.label_image import LabelWork
from napari_car.config import CaRConfig
from napari_car.errors import ClusterError
from napari_car.scenes import load_scenes

N_IMAGES = 6

PRELOAD = """
import os, signal
from napari_car.cli import cluster_worker

run = cluster_worker.run_on_worker

def run_unless_killed(task):
    path = task.work.image.path
    marker = path.with_suffix(".killed")
    if path.stem == "kills" or (path.stem == "kills-once" and not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return run(task)

def dask_setup(worker):
    cluster_worker.run_on_worker = run_unless_killed
"""
"""What ends a worker in the middle of an image, as the system does if memory is short."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of somebody's, in another folder than the commands."""
    preload = tmp_path_factory.mktemp("preload") / "preload.py"
    preload.write_text(PRELOAD)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        pytest.MonkeyPatch.context() as patch,
        LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            memory_limit=None,
            dashboard_address="127.0.0.1:0",
            silence_logs=60,
            preload=[str(preload)],
        ) as cluster,
    ):
        patch.chdir(preload.parent)
        yield cluster.scheduler_address


@pytest.fixture
def photos(tmp_path: Path, tiny_clip: Path) -> Path:
    """Small pictures, the ontology beside them, and a network that is named by its path from there on."""
    for seed in range(N_IMAGES):
        write_image(tmp_path / "photos" / f"{seed}.png", seed=seed)
    write_ontology(tmp_path / "classes.toml", QuerySheet().added("cat, dog, leaf")[0])
    shutil.copytree(tiny_clip, tmp_path / "clip")
    return tmp_path / "photos"


START = ("batch", "photos", "--ontology", "classes.toml", "--out", "project", *fast_options(Path("clip")))


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often labels of each image were saved."""
    n_saved: Counter[str] = Counter()
    save = Project.save

    def count(project: Project, image: ProjectImage, document: Document, seen: Stamp | None) -> Stamp:
        n_saved[image.key] += 1
        return save(project, image, document, seen)

    monkeypatch.setattr(Project, "save", count)
    return n_saved


def labels(project: str = "project") -> dict[str, np.ndarray]:
    documents = sorted(Path(project, "labels").glob("**/*.car.json"))
    return {path.name.removesuffix(".car.json"): np.asarray(read_document(path).layers[0].labels) for path in documents}


def test_workers_find_what_one_process_finds(command: Command, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for scene in load_scenes():
        if scene.name in ("shapes-on-sand", "shapes-on-brick"):
            shutil.copy(scene.image, tmp_path / "photos")
    write_ontology(tmp_path / "classes.toml", QuerySheet().added("red ring, blue circle, sand, star, not: snow")[0])
    options = ("batch", "photos", "--ontology", "classes.toml", "--preset", "demo")
    alone = command(*options, "--out", "alone")
    together = command(*options, "--out", "together", "--workers", "2")
    assert together.exit_code == 0, together.output
    assert sorted(together.stdout.replace("together", "alone").splitlines()) == sorted(alone.stdout.splitlines())
    expected, found = labels("alone"), labels("together")
    assert len(expected) == 2
    assert expected.keys() == found.keys()
    assert any(label_map.any() for label_map in expected.values())
    for key, label_map in expected.items():
        np.testing.assert_array_equal(found[key], label_map)


def test_images_of_a_lost_worker_are_done_again_and_saved_once(
    command: Command, photos: Path, address: str, saved: Counter[str]
) -> None:
    write_image(photos / "kills-once.png")
    result = command(*START, "--scheduler", address)
    assert result.exit_code == 0, result.output
    assert (photos / "kills-once.killed").exists()
    assert f"{N_IMAGES + 1} images: {N_IMAGES + 1} segmented" in result.output
    assert saved == dict.fromkeys(labels(), 1)
    assert len(saved) == N_IMAGES + 1


def test_bad_images_are_listed_and_do_not_stop_the_others(
    command: Command, photos: Path, address: str, saved: Counter[str]
) -> None:
    write_image(photos / "kills.png")
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = command(*START, "--scheduler", address)
    assert result.exit_code == 3, result.output
    assert f"{N_IMAGES + 2} images: {N_IMAGES} segmented, 2 failed" in result.output
    failed = [line for line in result.stderr.splitlines() if line.startswith("Failed: ")]
    assert failed[0].startswith("Failed: broken.png: ")
    assert failed[1] == "Failed: kills.png: Every worker that was given it has ended, perhaps for want of memory."
    assert saved == dict.fromkeys(labels(), 1)
    assert len(saved) == N_IMAGES


def test_a_batch_goes_on_where_it_was_stopped(
    command: Command, photos: Path, address: str, saved: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Project.save

    def stop_at_third(project: Project, image: ProjectImage, document: Document, seen: Stamp | None) -> Stamp:
        if saved.total() == 2:
            raise KeyboardInterrupt
        return save(project, image, document, seen)

    with monkeypatch.context() as patch:
        patch.setattr(Project, "save", stop_at_third)
        result = command(*START, "--scheduler", address)
    assert result.exit_code == 130
    assert result.stderr == "Stopped. What is finished is kept; repeat the command to go on.\n"
    with Client(address) as client:
        await_that(lambda: not client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))
    result = command(*START, "--scheduler", address)
    assert f"{N_IMAGES} images: {N_IMAGES - 2} segmented, 2 skipped" in result.output
    assert saved == dict.fromkeys(labels(), 1)
    assert len(saved) == N_IMAGES
    # Nothing is left to do: no cluster is looked for.
    assert command(*START, "--scheduler", "tcp://127.0.0.1:1").exit_code == 0


def await_that(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
def test_ctrl_c_keeps_what_is_saved_and_ends_the_workers(photos: Path, tmp_path: Path) -> None:
    for seed in range(N_IMAGES, 40):
        write_image(photos / f"{seed}.png", 120, 160, seed=seed)
    # A terminal sends Ctrl-C to all its processes.
    process = subprocess.Popen(
        process_command(*START, "--workers", "2"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    documents = tmp_path / "project" / "labels"
    await_that(lambda: any(documents.glob("*.car.json")) or process.poll() is not None, 120)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr == "Stopped. What is finished is kept; repeat the command to go on.\n"
    assert 0 < len(list(documents.glob("*.car.json"))) < 40
    for path in documents.glob("*.car.json"):
        read_document(path)
    assert len(workers) >= 2
    assert not psutil.wait_procs(workers, timeout=20)[1]


@pytest.mark.parametrize("wrong", ["tcp://127.0.0.1:1", "nowhere", "ftp://127.0.0.1:1", "tls://127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer(
    command: Command, photos: Path, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "CONNECT_S", 0.3)
    result = command(*START, "--scheduler", wrong)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: No scheduler of dask answers at {wrong}: start one with `dask scheduler`")
    assert len(result.stderr.splitlines()) == 1


def test_a_scheduler_without_workers(command: Command, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "FIRST_WORKER_S", 0.1)
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty:
        result = command(*START, "--scheduler", empty.scheduler_address)
        assert result.exit_code == 1
        assert f"has no workers: start some with `dask worker {empty.scheduler_address}`" in result.stderr


def test_a_scheduler_that_is_lost(command: Command, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1)
    with LocalCluster(n_workers=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0") as lost:
        save = Project.save

        def save_and_lose(project: Project, image: ProjectImage, document: Document, seen: Stamp | None) -> Stamp:
            stamp = save(project, image, document, seen)
            lost.close()
            return stamp

        monkeypatch.setattr(Project, "save", save_and_lose)
        result = command(*START, "--scheduler", lost.scheduler_address)
    assert result.exit_code == 1, result.output
    assert result.stderr.splitlines()[-1] == (
        "Error: The scheduler does not answer any more; what is finished is kept, repeat the command to go on."
    )
    assert labels()


def test_workers_of_another_version_are_refused(
    command: Command, photos: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "__version__", "99.0")
    result = command(*START, "--scheduler", address)
    assert result.exit_code == 1
    assert "and here is 99.0: install the same version on all machines." in result.stderr
    assert not labels()
    late = WorkerTask(
        work=LabelWork(
            image=ProjectImage("a.png", photos / "0.png", photos / "a.car.json"),
            recipe=Recipe(sheet=QuerySheet(), config=CaRConfig(), preset="demo"),
        ),
        networks=choose_networks("demo"),
        n_threads=None,
        version="99.0",
    )
    with pytest.raises(ClusterError, match=r"and here is 99\.0"):
        run_on_worker(late)


def test_networks_that_a_worker_misses_end_the_batch(command: Command, photos: Path, address: str) -> None:
    arguments = ("batch", "photos", "--ontology", "classes.toml", "--out", "project")
    result = command(*arguments, "--preset", "voc", "--scheduler", address)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: On ")
    assert "is not on disk" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_what_cannot_be_together(command: Command, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = command(*START, "--scheduler", "tcp://127.0.0.1:1", "--workers", "2")
    assert result.exit_code == 2
    assert "leave out one of them" in result.stderr
    assert command(*START, "--workers", "0").exit_code == 2
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = command(*START, "--workers", "2")
    assert result.exit_code == 1
    assert result.stderr == 'Error: dask.distributed is not installed; run: pip install "napari-car[cluster]"\n'
    assert not Path("project").exists()


def test_processes_share_the_threads_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [cluster_module._share_of_threads(n) for n in (1, 3, 16)] == [8, 2, 1]
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert cluster_module._share_of_threads(1) == dask.system.CPU_COUNT
