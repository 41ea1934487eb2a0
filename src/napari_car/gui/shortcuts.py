"""The keys of the dock widget; the help page and the documentation list them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key and what it does.

    Parameters
    ----------
    action : str
        Name of the action.
    keys : str
        As Qt writes it; on macOS Ctrl stands for Command.
    text : str
        What it does, for users.
    """

    action: str
    keys: str
    text: str


IMPORT_KEYS = "Ctrl+Shift+I"
"""Shown in the menu of the list, too."""

SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("run", "Ctrl+Return", "Segment"),
    Shortcut("cancel", "Ctrl+.", "Cancel the run"),
    Shortcut("next_query", "Ctrl+Shift+Down", "Choose the next query and its label"),
    Shortcut("previous_query", "Ctrl+Shift+Up", "Choose the previous query and its label"),
    Shortcut("accept", "Ctrl+Shift+Return", "Accept the proposal"),
    Shortcut("discard", "Ctrl+Shift+Backspace", "Discard the proposal"),
    Shortcut("check", "Ctrl+Shift+K", "Mark the mask of the chosen query as checked, or take the mark back"),
    Shortcut("import_labels", IMPORT_KEYS, "Import labels of a data set for the image"),
)
"""Keys of the dock, none of which napari uses itself, in the order in which they are listed."""

CORRECTION_SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("accept", "Return", "Accept what is previewed"),
    Shortcut("discard", "Escape", "Discard the marks"),
    Shortcut("undo", "Ctrl+Z", "Take back the last mark or, without marks, the last edit"),
    Shortcut("redo", "Ctrl+Shift+Z", "Repeat what was taken back"),
    Shortcut("next_candidate", "C", "Show the next of the masks that a click can mean"),
    Shortcut("move", "Space", "Move and zoom as long as it is held"),
)
"""Keys over the image while a label is corrected by pointing. In other modes of the layer they mean what they meant."""
