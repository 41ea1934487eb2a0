"""The manifest: what napari is told, and that all of it is there."""

import os
from pathlib import Path

import pytest
import yaml
from napari._app_model.constants import MenuId
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name

from napari_car.device import PrecisionName
from napari_car.gui.commands import FOLDER, WIDGET
from napari_car.scenes import load_scenes

ROOT = Path(__file__).parents[2]
MANIFEST = PluginManifest.from_distribution("napari-car")
POINTS = MANIFEST.contributions


def test_the_file_lies_on_top_and_the_package_links_to_it() -> None:
    link = ROOT / "src" / "napari_car" / "napari.yaml"
    assert link.is_symlink()
    assert link.readlink() == Path("../../napari.yaml")
    assert not (ROOT / "napari.yaml").is_symlink()


def test_no_key_is_unknown_to_napari() -> None:
    """The manifest's models pass over what they do not know."""

    def check(given: object, known: object, where: str) -> None:
        if isinstance(given, dict) and isinstance(known, dict):
            for key, value in given.items():
                assert key in known, f"{where}.{key}"
                check(value, known[key], f"{where}.{key}")
        elif isinstance(given, list) and isinstance(known, list):
            for index, (item, same) in enumerate(zip(given, known, strict=True)):
                check(item, same, f"{where}[{index}]")
        else:
            assert given == known, where

    check(yaml.safe_load((ROOT / "napari.yaml").read_text(encoding="utf-8")), MANIFEST.model_dump(), "napari.yaml")


def test_name_and_categories() -> None:
    # A dock opened by the menu is found again by Window.add_plugin_dock_widget only if the two are the same.
    assert MANIFEST.display_name == MANIFEST.name == "napari-car"
    assert [str(category) for category in MANIFEST.categories] == ["Annotation", "Segmentation", "IO"]


@pytest.mark.parametrize("command", POINTS.commands or [], ids=lambda command: command.id)
def test_each_command_can_be_imported(command) -> None:
    assert callable(import_python_name(command.python_name))


def test_what_is_contributed_names_commands_that_exist_and_each_command_serves() -> None:
    ids = [command.id for command in POINTS.commands]
    used = [item.command for items in POINTS.menus.values() for item in items]
    for contributed in (POINTS.widgets, POINTS.readers, POINTS.writers, POINTS.sample_data):
        used += [item.command for item in contributed]
    assert len(ids) == len(set(ids))
    assert set(used) == set(ids)


def test_menus_are_open_to_plugins() -> None:
    assert set(POINTS.menus) == {"napari/layers/segment", "napari/layers/annotate", "napari/file/io_utilities"}
    assert set(POINTS.menus) <= set(map(str, MenuId.contributables()))


def test_only_its_own_files_are_read_and_written() -> None:
    (reader,), (writer,), widgets = POINTS.readers, POINTS.writers, POINTS.widgets
    assert reader.filename_patterns == ["*.car.json"]
    assert writer.filename_extensions == [".car.json"]
    assert writer.layer_types == ["labels+"]
    assert [widget.display_name for widget in widgets] == [WIDGET, FOLDER]


def test_each_scene_is_sample_data() -> None:
    assert [sample.key for sample in POINTS.sample_data] == [scene.name for scene in load_scenes()]
    titles = [sample.display_name for sample in POINTS.sample_data]
    assert len(titles) == len(set(titles))


def test_preferences_offer_what_the_engine_knows() -> None:
    offered = POINTS.configurations["networks"].properties
    assert list(offered) == ["models_folder", "device", "precision"]
    assert offered["precision"].enum == list(PrecisionName.__args__)
    assert offered["device"].enum[0] == offered["device"].default == "auto"
    assert all(choice.description for choice in offered.values())


def test_no_environment_variable_of_ours_is_taken_for_a_preference() -> None:
    for key, configuration in POINTS.configurations.items():
        for name in configuration.properties:
            assert not f"NAPARI_{key}_{name}".upper().startswith("NAPARI_CAR_")
    assert {"NAPARI_CAR_MODELS", "NAPARI_CAR_CACHE", "NAPARI_CAR_CONFIG"} <= set(os.environ)
