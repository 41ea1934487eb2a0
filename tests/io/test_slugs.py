"""Slugs are safe, short and distinct."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.io.slugs import MAX_BYTES, slug, unique_slugs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", "cat"),
        ("  A red  Car ", "a_red_car"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\temp\\*?.png", "c_temp_png"),
        ("CD4+", "cd4+"),
        ("rod-shaped cell", "rod-shaped_cell"),
        ("Zellkern, groß", "zellkern_gross"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "café"),
        ("細胞核", "細胞核"),
        ("ядро клетки", "ядро_клетки"),
        ("हिन्दी", "हिन्दी"),
        ("ＡＢＣ", "abc"),
        ("\N{CAT FACE}", "cat_face"),
        ("a \N{HEAVY BLACK HEART}\ufe0f", "a_heavy_black_heart"),
        ("\N{MAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}", "man_personal_computer"),
        ("< 5 µm", "less-than_sign_5_μm"),
        ("con", "con_"),
        ("COM1", "com1_"),
        ("", "query"),
        ("...", "query"),
        ("-", "query"),
        ("\ud800\0\n", "query"),
    ],
)
def test_slug(text, expected):
    assert slug(text) == unicodedata.normalize("NFKC", expected)


def test_long_texts_are_cut_and_stay_distinct():
    first, second = "word " * 200, "word " * 200 + "more"
    assert len(slug(first)) <= MAX_BYTES
    assert slug(first).startswith("word_word_")
    assert slug(first) != slug(second)


@settings(deadline=None)
@given(st.text(st.characters(categories=None), max_size=200))
def test_every_slug_is_safe(text):
    name = slug(text)
    assert 1 <= len(name.encode()) <= MAX_BYTES
    assert not set(name) & set('/\\:*?"<>|. \0')
    assert name.lstrip("-") == name
    assert name.isprintable()


def test_collisions_are_numbered():
    assert unique_slugs(["Cell", "cell!", "cell 2", "(cell)"]) == ("cell", "cell_3", "cell_2", "cell_4")


@settings(deadline=None)
@given(st.lists(st.text(max_size=4), max_size=12))
def test_unique_slugs_are_unique(texts):
    names = unique_slugs(texts)
    assert len(set(names)) == len(texts) == len(names)
    assert names == unique_slugs(texts)
