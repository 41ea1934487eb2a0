"""The form of all parameters, made from the fields of the configuration."""

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.parameter_fields import ParameterField, parameter_fields, stage_meaning, stage_title
from napari_car.config import CaRConfig
from napari_car.errors import CaRError, ConfigError
from napari_car.io.outputs import write_bytes
from napari_car.schema import plain

from .parameter_rows import ParameterRow, ParameterSection

WITHOUT_CONTROL = frozenset(
    [
        "mode",  # decides what the queries are, so it is chosen beside them
        "video.carry_queries",  # chosen beside the slices, of which there may be one only
    ]
)
"""Fields that the form does not show; :meth:`ParameterForm.set_value` and parameter files reach them."""

_FILE_FILTER = "Parameters (*.toml)"
_logger = logging.getLogger(__name__)


class ParameterForm(QWidget):
    """Shows the parameters of a preset, and takes what a person changes.

    Parameters
    ----------
    parent : QWidget, optional
    """

    changed = Signal()
    """Values were changed, by a person or by a call: once for each call or edit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = CaRConfig()
        self._fields = {field.key: field for field in parameter_fields(self._base)}
        self._without_control: dict[str, Any] = {}
        self._sections: dict[str, ParameterSection] = {}
        self._rows: dict[str, ParameterRow] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for field in self._fields.values():
            if field.key not in WITHOUT_CONTROL:
                self._add_row(field, layout)
        self._message = QLabel()
        self._message.setWordWrap(True)
        self._message.setAccessibleName("Message about the parameters")
        self._reset_all = _button("Reset all", "Show the preset's values again.")
        save = _button("Save as TOML…", "Write all parameters to a file, for the command line and for scripts, too.")
        load = _button("Load TOML…", "Read parameters from a file; what it leaves out is as in the preset.")
        self._reset_all.clicked.connect(self.reset)
        save.clicked.connect(self._ask_and_save)
        load.clicked.connect(self._ask_and_load)
        buttons = QHBoxLayout()
        for button in (self._reset_all, save, load):
            buttons.addWidget(button)
        layout.addWidget(self._message)
        layout.addLayout(buttons)
        layout.addStretch()
        self.set_base(self._base)

    @property
    def changes(self) -> dict[str, Any]:
        """Values by dotted name that are not the preset's, fit for JSON; they need not be valid."""
        return {key: plain(value) for key, value in self._changes()}

    @property
    def config(self) -> CaRConfig:
        """The preset's parameters with the changes.

        Raises
        ------
        ConfigError
            If something that was typed is no valid value.
        """
        try:
            return self._base.changed(dict(self._changes()))
        except ConfigError as error:
            raise ConfigError(self._in_form_words(error)) from error

    def set_base(self, config: CaRConfig) -> None:
        """Show the parameters of a preset; earlier changes are gone."""
        self._base = config
        self._without_control = {}
        for key, row in self._rows.items():
            row.set_base(self._fields[key].of(config))
        self._finish("")

    def set_changes(self, changes: Mapping[str, Any]) -> tuple[str, ...]:
        """Show the preset's parameters with these changes and no others.

        Parameters
        ----------
        changes : mapping of str to value
            By dotted name. They may come from another version: what is not known or not valid is left out, and this
            is logged and shown.

        Returns
        -------
        tuple of str
            The names that were left out.
        """
        config, dropped = self._base, []
        for key, value in changes.items():
            try:
                config = self._changed(config, key, value)
            except ConfigError as error:
                dropped.append(key)
                _logger.warning("A remembered parameter was left out: %s", error)
        self._show(config, f"Left out, not valid in this version: {', '.join(dropped)}." if dropped else "")
        return tuple(dropped)

    def set_value(self, key: str, value: Any) -> None:
        """Change one parameter, also one without a control, and leave all else as it is.

        Raises
        ------
        ConfigError
            If there is no such parameter, or the value is not valid.
        """
        changed = self._changed(self._base, key, value)
        self._put(key, self._fields[key].of(changed))
        self._finish("")

    def reset(self) -> None:
        """Show the preset's values again."""
        self._show(self._base, "")

    def save(self, path: Path | str) -> None:
        """Write all parameters as TOML; if that is not possible, the form says why."""
        try:
            write_bytes(path, self.config.to_toml().encode())
        except CaRError as error:
            self._say(f"⚠ Not saved: {error}")
        else:
            self._say(f"Saved as {Path(path).name}.")

    def load(self, path: Path | str) -> None:
        """Show the parameters of a TOML file; if that is not possible, the form says why and stays as it is."""
        try:
            config = CaRConfig.from_toml(path, self._base)
        except CaRError as error:
            self._say(f"⚠ Not loaded: {error}")
        else:
            self._show(config, f"Loaded {Path(path).name}.")

    def row(self, key: str) -> ParameterRow:
        """Return the row of a parameter."""
        return self._rows[key]

    def section(self, stage: str) -> ParameterSection:
        """Return the section of a stage."""
        return self._sections[stage]

    def _add_row(self, field: ParameterField, layout: QVBoxLayout) -> None:
        """Add a parameter to its stage's section."""
        if field.stage not in self._sections:
            section = ParameterSection(stage_title(field.stage), stage_meaning(self._base, field.stage))
            self._sections[field.stage] = section
            layout.addWidget(section)
        row = ParameterRow(field, self._sections[field.stage])
        row.edited.connect(lambda: self._finish(""))
        self._rows[field.key] = row

    def _changed(self, config: CaRConfig, key: str, value: Any) -> CaRConfig:
        """Return a configuration with one parameter changed; raise ConfigError if that is not possible."""
        if key not in self._fields:
            raise ConfigError(f"There is no parameter {key}.")
        return config.changed({key: value})

    def _changes(self) -> Iterator[tuple[str, Any]]:
        """Yield what is not the preset's, in the types of the configuration."""
        for key, row in self._rows.items():
            if row.is_changed:
                yield key, row.value
        yield from self._without_control.items()

    def _show(self, config: CaRConfig, message: str) -> None:
        """Show a configuration as changes of the preset."""
        for key, field in self._fields.items():
            self._put(key, field.of(config))
        self._finish(message)

    def _put(self, key: str, value: Any) -> None:
        """Show a value, or keep it if it has no control."""
        if key in self._rows:
            self._rows[key].set_value(value)
        elif value == self._fields[key].of(self._base):
            self._without_control.pop(key, None)
        else:
            self._without_control[key] = value

    def _finish(self, message: str) -> None:
        """Mark what is changed and what is not valid, and say that there was a change."""
        problems = {key: self._problem_of({key: row.value}) for key, row in self._rows.items()}
        for key, row in self._rows.items():
            row.mark(problems[key])
        for stage, section in self._sections.items():
            rows = [row for row in self._rows.values() if row.field.stage == stage]
            section.show_counts(sum(row.is_changed for row in rows), sum(bool(row.problem) for row in rows))
        changes = dict(self._changes())
        self._reset_all.setEnabled(bool(changes))
        # A problem of values that are valid one by one belongs to no row.
        joint = "" if any(problems.values()) else self._problem_of(changes)
        self._say(f"⚠ {joint}" if joint else message)
        self.changed.emit()

    def _problem_of(self, changes: Mapping[str, Any]) -> str:
        """Return why changes are not valid; empty if they are."""
        try:
            self._base.changed(changes)
        except ConfigError as error:
            return self._in_form_words(error)
        return ""

    def _in_form_words(self, error: ConfigError) -> str:
        """Return an error with the form's names of parameters."""
        text = str(error)
        for field in self._fields.values():
            text = re.sub(rf"\b{re.escape(field.where)}\b", field.label, text)
        return text

    def _say(self, text: str) -> None:
        """Show a sentence below the sections."""
        self._message.setText(text)
        self._message.setVisible(bool(text))

    def _ask_and_save(self) -> None:
        """Ask for a file, and write it."""
        dialog = QFileDialog(self, "Save parameters", "parameters.toml", _FILE_FILTER)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        if dialog.exec():
            self.save(dialog.selectedFiles()[0])

    def _ask_and_load(self) -> None:
        """Ask for a file, and read it."""
        dialog = QFileDialog(self, "Load parameters", "", _FILE_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        if dialog.exec():
            self.load(dialog.selectedFiles()[0])


def _button(text: str, tip: str) -> QPushButton:
    """Return a button with a tooltip."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    return button
