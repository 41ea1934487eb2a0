"""Which networks are offered, and what is said of them."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from napari_car.annotation.network_offers import LIGHT, Offer, list_offers, suggest_networks
from napari_car.annotation.networks import (
    DEMO,
    PAPER,
    NetworkChoice,
    default_choice,
    describe,
    name_choice,
    short_name,
)
from napari_car.checkpoints.registry import load_registry
from napari_car.presets import PRESETS

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
MIXED = NetworkChoice("ViT-B-16/openai", "ViT-L-14/metaclip_400m")


def whole_file(n_data_bytes: int = 1000) -> bytes:
    """Return a file that says of itself that it is whole."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [n_data_bytes], "data_offsets": [0, n_data_bytes]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(n_data_bytes)


def put(folder: Path, name: str, content: bytes | None = None, file: str = WEIGHTS) -> Path:
    path = folder / name.replace(":", "/") / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole_file() if content is None else content)
    return path


def titles(offers: tuple[Offer, ...], *, is_ready: bool) -> list[str]:
    return [offer.title for offer in offers if offer.state.is_ready is is_ready]


# What is on disk ------------------------------------------------------------------------------------------------


def test_demo_is_ready_and_its_limits_are_told(tmp_path: Path) -> None:
    state = describe(DEMO, tmp_path / "none")
    assert state.is_ready
    assert state.sentence == "Installed."
    assert state.note == "Demo checkpoint: knows drawn shapes and cells, not photographs."
    assert state.licence == "Licence: BSD-3-Clause."
    assert not (tmp_path / "none").exists()


def test_what_is_missing_is_told_with_its_size(tmp_path: Path) -> None:
    state = describe(PAPER, tmp_path)
    assert not state.is_ready
    assert [checkpoint.name for checkpoint in state.missing] == ["ViT-B-16/openai", "ViT-L-14/openai"]
    assert state.size_mb == 598 + 1710
    assert state.sentence == "Not on this machine: 2.3 GB to download."
    put(tmp_path, "ViT-B-16/openai")
    state = describe(PAPER, tmp_path)
    assert state.sentence == "ViT-L-14/openai is not on this machine: 1.7 GB to download."
    put(tmp_path, "ViT-L-14/openai")
    assert describe(PAPER, tmp_path).is_ready


def test_partial_download_counts_as_received(tmp_path: Path) -> None:
    put(tmp_path, "ViT-B-16/openai", bytes(98_000_000), f"{WEIGHTS}.0badcafe.partial")
    state = describe(PAPER, tmp_path)
    assert state.sentence == "98 MB of 2.3 GB are here already: the download goes on where it stopped."
    assert state.n_bytes_left == (598 + 1710 - 98) * 1e6
    assert not state.is_ready


def test_damaged_file_is_to_be_downloaded_again(tmp_path: Path) -> None:
    put(tmp_path, "ViT-B-16/openai", whole_file()[:-1])
    state = describe(LIGHT, tmp_path)
    assert state.damaged == state.missing
    assert state.sentence.startswith("ViT-B-16/openai: the file is damaged or was not copied to its end")
    assert state.n_bytes_left == 598e6


def test_one_network_for_both_is_counted_once(tmp_path: Path) -> None:
    assert describe(LIGHT, tmp_path).size_mb == 598
    twice = describe(NetworkChoice("ViT-B-16/openai", "ViT-B-16-quickgelu/openai"), tmp_path)
    assert twice.size_mb == 598


def test_repository_of_the_hub_has_no_known_size_and_licence(tmp_path: Path) -> None:
    choice = NetworkChoice("hf-hub:laion/some-clip", "ViT-L-14/openai")
    state = describe(choice, tmp_path)
    assert state.size_mb is None
    assert state.n_bytes_left is None
    assert state.sentence == "Not on this machine: to be downloaded, its size is known once the download starts."
    assert state.licence == "Licences: see https://huggingface.co/laion/some-clip; MIT."
    put(tmp_path, "hf-hub:laion/some-clip", bytes(3_000_000), f"{WEIGHTS}.0badcafe.partial")
    assert describe(choice, tmp_path).sentence == "3 MB are here already: the download goes on where it stopped."


def test_missing_demo_is_not_offered_for_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_car.checkpoints.folder.files", lambda _: tmp_path)
    state = describe(DEMO, tmp_path)
    assert state.missing == ()
    assert not state.is_ready
    assert state.sentence == (
        "The checkpoint demo is missing or damaged: install napari-car again, it is part of the package."
    )


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (NetworkChoice("ViT-B-16/opnai", "demo"), "did you mean ViT-B-16/openai"),
        (NetworkChoice("demo", "  "), "Name a network for f and one for g."),
        (NetworkChoice("hf-hub:laion", "demo"), "is not of the form hf-hub:owner/repository"),
        (NetworkChoice("ViT-B-16:/nowhere/mine.pt", "demo"), "There is no checkpoint file /nowhere/mine.pt."),
    ],
)
def test_names_that_stand_for_nothing_are_a_problem(choice: NetworkChoice, sentence: str, tmp_path: Path) -> None:
    state = describe(choice, tmp_path)
    assert sentence in state.problem
    assert state.sentence == state.problem
    assert not state.is_ready


def test_files_of_ones_own_are_checked(tmp_path: Path) -> None:
    own = tmp_path / "my_clip"
    own.mkdir()
    choice = NetworkChoice(str(own), "demo")
    assert f"has no {CONFIG}, so it is no model folder" in describe(choice, tmp_path).problem
    demo = load_demo_config()
    (own / CONFIG).write_text(demo)
    assert "has no weights" in describe(choice, tmp_path).problem
    (own / WEIGHTS).write_bytes(whole_file())
    assert describe(choice, tmp_path).is_ready
    single = NetworkChoice(f"ViT-B-16:{own / WEIGHTS}", str(own))
    assert describe(single, tmp_path).is_ready
    assert name_choice(single) == f"{WEIGHTS} + my_clip"
    assert describe(single, tmp_path).licence == ""


def load_demo_config() -> str:
    from napari_car.checkpoints.folder import checkpoint_folder
    from napari_car.checkpoints.registry import find_checkpoint

    return (checkpoint_folder(find_checkpoint("demo"), Path()) / CONFIG).read_text(encoding="utf-8")


# Licences and notes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("ViT-L-14/openai", "Licence: MIT."),
        ("ViT-L-14/metaclip_400m", "Licence: CC-BY-NC-4.0, not for commercial use."),
        ("ViT-L-14/dfn2b", "Licence: Apple AMLR, for research only."),
    ],
)
def test_licence_says_what_it_forbids(name: str, licence: str, tmp_path: Path) -> None:
    state = describe(NetworkChoice(name, name), tmp_path)
    assert state.licence == licence
    assert state.is_restricted is ("," in licence)


def test_pair_of_two_licences_tells_both(tmp_path: Path) -> None:
    state = describe(MIXED, tmp_path)
    assert state.licence == "Licences: MIT; CC-BY-NC-4.0, not for commercial use."
    assert state.is_restricted


def test_note_tells_who_does_what_and_what_does_not_suit(tmp_path: Path) -> None:
    assert describe(PAPER, tmp_path).note == "ViT-B/16 proposes masks, ViT-L/14 tells what they show."
    assert describe(MIXED, tmp_path).note == (
        "ViT-B/16 (OpenAI) proposes masks, ViT-L/14 (MetaCLIP 400M) tells what they show."
    )
    large = describe(NetworkChoice("ViT-L-14/openai", "ViT-L-14/openai"), tmp_path).note
    assert large == ("ViT-L/14 proposes masks and tells what they show. ViT-B/16 proposes better masks than ViT-L/14.")
    assert "ViT-L/14 tells better than ViT-B/16 what masks show." in describe(LIGHT, tmp_path).note
    demo_as_f = describe(NetworkChoice("demo", "ViT-L-14/openai"), tmp_path)
    assert "not photographs" in demo_as_f.note


def test_names_are_those_that_people_use() -> None:
    assert short_name("ViT-H-14-378/dfn5b") == "ViT-H/14@378px"
    assert short_name("hf-hub:laion/CLIP-ViT-B-16") == "CLIP-ViT-B-16"
    assert name_choice(PAPER) == "ViT-B/16 + ViT-L/14, OpenAI"
    assert name_choice(LIGHT) == "ViT-B/16 for both, OpenAI"
    assert name_choice(MIXED) == "ViT-B/16 (OpenAI) + ViT-L/14 (MetaCLIP 400M)"


# What is offered ------------------------------------------------------------------------------------------------


def test_offers_begin_with_what_needs_no_download_and_end_with_what_is_restricted(tmp_path: Path) -> None:
    offers = list_offers(tmp_path)
    assert [offer.title for offer in offers[:3]] == [
        "Demo (built in)",
        "Paper: ViT-B/16 + ViT-L/14, OpenAI",
        "Light: ViT-B/16 for both, OpenAI",
    ]
    restricted = [offer.state.is_restricted for offer in offers]
    assert restricted == sorted(restricted)
    put(tmp_path, "ViT-B-16/metaclip_400m")
    put(tmp_path, "ViT-L-14/metaclip_400m")
    assert titles(list_offers(tmp_path), is_ready=True) == ["Demo (built in)", "ViT-B/16 + ViT-L/14, MetaCLIP 400M"]


def test_every_good_classifier_is_offered_with_a_good_proposer_of_its_family(tmp_path: Path) -> None:
    registry = load_registry("clip")
    offers = list_offers(tmp_path)
    assert {name for name, known in registry.items() if "g" in known.suits} <= {offer.choice.g for offer in offers}
    for offer in offers:
        f, g = registry[offer.choice.f], registry[offer.choice.g]
        assert "f" in f.suits
        assert f.source == g.source
    partners = {offer.choice.g: offer.choice.f for offer in offers if offer.choice != LIGHT}
    assert partners["ViT-L-14/laion400m_e32"] == "ViT-B-16/laion400m_e32"
    assert partners["ViT-H-14/laion2b_s32b_b79k"] == "ViT-B-16/laion2b_s34b_b88k"
    assert partners["ViT-H-14-378/dfn5b"] == "ViT-B-16/dfn2b"
    all_titles = [offer.title for offer in offers]
    assert len(set(all_titles)) == len(all_titles)


def test_sam_is_neither_offered_nor_taken_as_f_or_g(tmp_path: Path) -> None:
    put(tmp_path, "sam-hq/vit_b", file="sam_hq_vit_b.safetensors")
    assert not any("sam" in name for offer in list_offers(tmp_path) for name in offer.choice.names)
    state = describe(NetworkChoice("demo", "sam-hq/vit_b"), tmp_path)
    assert not state.is_ready
    assert state.sentence.startswith("sam-hq/vit_b is a SAM, which understands no text")


def test_other_checkpoints_on_disk_are_offered_for_both(tmp_path: Path) -> None:
    assert "ViT-B/32 for both, OpenAI" not in titles(list_offers(tmp_path), is_ready=False)
    put(tmp_path, "ViT-B-32/openai")
    put(tmp_path, "hf-hub:laion/some-clip")
    put(tmp_path, "hf-hub:laion/some-clip", b"{}", CONFIG)
    put(tmp_path, "hf-hub:laion/half-clip", b"{", f"{WEIGHTS}.0badcafe.partial")
    offers = list_offers(tmp_path)
    assert titles(offers, is_ready=True) == ["Demo (built in)", "ViT-B/32 for both, OpenAI", "some-clip for both"]
    assert "half-clip for both" in titles(offers, is_ready=False)


def test_default_is_the_paper_pair_once_it_is_installed(tmp_path: Path) -> None:
    put(tmp_path, "ViT-B-16/openai")
    assert default_choice(tmp_path) == DEMO
    put(tmp_path, "ViT-L-14/openai")
    assert default_choice(tmp_path) == PAPER


# What a preset suggests -----------------------------------------------------------------------------------------


def test_preset_takes_its_networks_along_where_they_are_installed(tmp_path: Path) -> None:
    put(tmp_path, "ViT-B-16/openai")
    suggestion = suggest_networks(PRESETS["refcoco"], DEMO, tmp_path)
    assert suggestion.choice == LIGHT
    assert suggestion.sentence == "Networks changed to those of the preset refcoco: ViT-B/16 for both, OpenAI."
    assert suggest_networks(PRESETS["demo"], LIGHT, tmp_path).choice == DEMO


def test_preset_leaves_the_networks_where_its_own_are_missing(tmp_path: Path) -> None:
    suggestion = suggest_networks(PRESETS["voc"], DEMO, tmp_path)
    assert suggestion.choice == DEMO
    assert suggestion.sentence == (
        "The preset voc was made for ViT-B/16 + ViT-L/14, OpenAI, not installed (2.3 GB to download); Demo (built in) "
        "is used with it. The preset demo suits the demo better."
    )
    own = suggest_networks(PRESETS["voc"], MIXED, tmp_path)
    assert own.choice == MIXED
    assert own.sentence.endswith(f"{name_choice(MIXED)} is used with it.")


def test_preset_of_the_present_networks_says_nothing(tmp_path: Path) -> None:
    suggestion = suggest_networks(PRESETS["voc"], PAPER, tmp_path)
    assert suggestion.choice == PAPER
    assert suggestion.sentence == ""


def test_offers_are_listed_without_loading_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from napari_car.annotation.network_offers import list_offers; "
        "import napari_car.annotation.downloads; list_offers(Path('none')); "
        "print({'torch', 'open_clip', 'huggingface_hub'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
