"""Which images of a data set are read, and how far that is."""


class ImageChoice:
    """All images; a child chooses some of them.

    It is asked before the labels of an image are read, so that one of many is read in little time.
    """

    def takes(self, name: str, file: str = "") -> bool:  # noqa: ARG002
        """Tell whether the labels of an image are wanted.

        Parameters
        ----------
        name : str
            Of the image in the data set.
        file : str
            Name of its file, where that can be another one.
        """
        return True

    def note(self, fraction: float) -> None:
        """Be told how much of a large file has been read."""


ALL_IMAGES = ImageChoice()
"""What is read if nothing else is asked for."""
