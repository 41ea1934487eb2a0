"""The keys of the dock widget, none of which napari uses itself; the help page and the documentation list them."""

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


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("run", "Ctrl+Return", "Segment"),
    Shortcut("cancel", "Ctrl+.", "Cancel the run"),
    Shortcut("next_query", "Ctrl+Shift+Down", "Choose the next query and its label"),
    Shortcut("previous_query", "Ctrl+Shift+Up", "Choose the previous query and its label"),
    Shortcut("accept", "Ctrl+Shift+Return", "Accept the proposal"),
    Shortcut("discard", "Ctrl+Shift+Backspace", "Discard the proposal"),
)
"""All keys, in the order in which they are listed."""
