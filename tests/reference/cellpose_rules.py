"""Which pairs of files Cellpose trains on, after the documentation of its ``--img_filter`` and ``--mask_filter``."""

from pathlib import Path

_ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".flex", ".dax", ".nd2", ".nrrd"}
_OUTPUTS = ("_cp_output", "_flows", "_flows_0", "_flows_1", "_flows_2", "_cellprob", "_masks")


def training_pairs(folder: Path, img_filter: str = "_img", mask_filter: str = "_masks") -> dict[str, tuple[Path, Path]]:
    """Return image and masks by name; each image must have masks, all with the same ending."""
    stems = {path: path.with_suffix("").name for path in folder.iterdir() if path.suffix.lower() in _ENDINGS}
    images = [
        path
        for path, stem in stems.items()
        if stem.endswith(img_filter) and not stem.endswith((*_OUTPUTS, mask_filter))
    ]
    pairs = {}
    for image in sorted(images):
        name = stems[image].removesuffix(img_filter)
        masks = folder / f"{name}{mask_filter}.tif"
        assert masks.is_file(), f"labels not provided for {image}"
        pairs[name] = image, masks
    assert pairs, "no images"
    return pairs
