"""What is built and installed: the manifest and all data are there, and napari can load the plugin from it."""

import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from trove_classifiers import classifiers

ROOT = Path(__file__).parents[2]
MANIFEST = (ROOT / "napari.yaml").read_bytes()
WHERE = "import napari_car; print(napari_car.__file__)"


def run_python(*arguments: str, path: Path | None = None) -> str:
    """Run this Python, which finds packages in a folder first; return what it prints."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, out: Path) -> Path:
    """Build a wheel or an sdist, with the build backend of this environment."""
    run_python("-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(out), str(source))
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module", params=["tree", "sdist"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from the work tree and from the sdist."""
    source = ROOT
    if request.param == "sdist":
        folder = tmp_path_factory.mktemp("unpacked")
        with tarfile.open(request.getfixturevalue("sdist")) as archive:
            archive.extractall(folder, filter="data")
        (source,) = folder.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("installed")
    run_python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


def test_wheel_holds_manifest_and_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("napari_car/napari.yaml") == MANIFEST
    package = ROOT / "src" / "napari_car"
    files = {
        f"napari_car/{file.relative_to(package).as_posix()}"
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in names if name.startswith("napari_car/")} == files


def test_sdist_holds_the_manifest_once(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = [name for name in archive.getnames() if name.endswith("napari.yaml")]
        assert [name.partition("/")[2] for name in names] == ["napari.yaml"]


def test_plugin_of_the_wheel_is_valid_and_can_be_imported(installed: Path) -> None:
    assert Path(run_python("-c", WHERE, path=installed).strip()).is_relative_to(installed)
    assert "valid" in run_python("-m", "npe2", "validate", "napari-car", "--imports", path=installed)


def test_plugin_of_the_work_tree_is_valid_and_can_be_imported() -> None:
    assert Path(run_python("-c", WHERE).strip()).is_relative_to(ROOT / "src")
    assert "valid" in run_python("-m", "npe2", "validate", "napari-car", "--imports")


def test_sample_images_and_checkpoint_of_the_wheel_serve(installed: Path) -> None:
    code = (
        "import sys; from napari_car import Segmenter, read_image; from napari_car.scenes import load_scenes\n"
        "Segmenter('demo'); print(*(read_image(scene.image).path for scene in load_scenes()), sep='\\n')"
    )
    printed = run_python("-c", code, path=installed).splitlines()
    assert len(printed) == 7
    assert all(Path(line).is_relative_to(installed) for line in printed)


def test_metadata_is_what_the_hub_of_napari_looks_for(installed: Path) -> None:
    (dist,) = (Distribution.at(path) for path in installed.glob("*.dist-info"))
    given = dist.metadata.get_all("Classifier")
    assert "Framework :: napari" in given
    assert set(given) <= classifiers
    assert [point.value for point in dist.entry_points if point.group == "napari.manifest"] == [
        "napari_car:napari.yaml"
    ]
    bindings = ("pyqt", "pyside", "napari[all]")
    base = [requirement for requirement in dist.requires or [] if "extra ==" not in requirement]
    assert base
    assert not [requirement for requirement in base if any(name in requirement.lower() for name in bindings)]
