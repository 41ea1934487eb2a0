"""A worker thread that leaves nothing open."""

from napari.qt.threading import GeneratorWorker


class ClosingWorker(GeneratorWorker):  # type: ignore[misc]  # napari tells no types
    """A worker that closes its generator when it ends, whatever ends it.

    One whose window is gone fails to emit, and napari's then keeps the unfinished generator, and with it the networks.
    """

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
