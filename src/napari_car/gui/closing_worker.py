"""A worker thread that leaves nothing open."""

from contextlib import suppress

from napari.qt.threading import GeneratorWorker


class ClosingWorker(GeneratorWorker):  # type: ignore[misc]  # napari tells no types
    """A worker that closes its generator when it ends, whatever ends it.

    One whose window is gone fails to emit, and napari's then keeps the unfinished generator, and with it the networks.
    """

    def run(self) -> None:
        """Work, and tell how it ends, unless nobody is left: Qt ends the program at an error in a thread of its own."""
        with suppress(RuntimeError):  # "wrapped C/C++ object has been deleted"; those of the work are in errored
            super().run()

    def work(self) -> object:
        """Run the generator in this thread."""
        try:
            return super().work()
        finally:
            self._gen.close()

    def forget(self) -> None:
        """Tell nobody any more what it yields and how it ends; it runs on."""
        for signal in (self.yielded, self.errored, self.finished):
            signal.disconnect()
