"""What the report on an experiment says, and the report as Markdown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPage:
    """What a report says.

    Parameters
    ----------
    title : str
    sentences : tuple of str
        What was done, one paragraph each.
    warnings : tuple of str
        Why figures cannot be compared.
    columns : tuple of str
        Heads of the table.
    n_text_columns : int
        How many of the first columns are words; the others are numbers.
    rows : tuple of tuple of str
    best_rows : frozenset of int
        Which rows are set off.
    notes : tuple of str
        What must be known to read the table.
    plot : str
        An SVG; empty: none.
    plot_file : str
        Where it is, for Markdown.
    """

    title: str
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    columns: tuple[str, ...]
    n_text_columns: int
    rows: tuple[tuple[str, ...], ...]
    best_rows: frozenset[int]
    notes: tuple[str, ...]
    plot: str = ""
    plot_file: str = ""

    def to_markdown(self) -> str:
        """Return it as Markdown; the best rows are bold."""
        marks = ["---"] * self.n_text_columns + ["---:"] * (len(self.columns) - self.n_text_columns)
        rows = [
            [f"**{cell}**" for cell in cells] if number in self.best_rows else cells
            for number, cells in enumerate([_plain(cell) for cell in row] for row in self.rows)
        ]
        blocks = [
            f"# {self.title}",
            *self.sentences,
            *(f"**{warning}**" for warning in self.warnings),
            "\n".join(f"| {' | '.join(cells)} |" for cells in ([*self.columns], marks, *rows)),
            *([f"![{self.title}]({self.plot_file})"] if self.plot else []),
            *self.notes,
        ]
        return "\n\n".join(blocks) + "\n"


def _plain(text: str) -> str:
    """Return a text that does not end a cell, nor become bold by itself."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")
