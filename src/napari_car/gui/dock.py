"""The dock widget: its parts, and how they work together."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from napari_car.annotation.engine import NetworkRequest, warm_up
from napari_car.annotation.sheet import QuerySheet
from napari_car.config import CaRConfig
from napari_car.errors import CaRError, CheckpointError, ConfigError, QueryError

from .choices import Choices
from .close_watch import CloseWatch
from .help import HelpDialog
from .image_controls import ImageControls
from .keys import KeyBindings
from .label_import.importing import LabelImport
from .mask_tools import MaskTools
from .pointing.panel import PointingPanel
from .prefill import Prefill
from .proposal_bar import ProposalBar
from .query_list import QueryListView
from .result_layers import carry_over, queries_of_labels
from .result_navigation import ResultNavigation
from .result_states import ResultStates
from .results_panel import ResultsPanel
from .run_bar import RunBar
from .run_options import RunOptions
from .run_worker import RunRequest
from .scrolling import scrolled
from .session import Session
from .settings import EngineSettings, watch_engine_settings
from .why import WhyView

RESULTS_TAB = 1


class CarWidget(QWidget):
    """Segment images by text, in a dock beside the viewer.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer whose images are segmented.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        # napari hands a proxy to plugins, which makes a new one of each layer it is asked for: those have no identity.
        self._viewer = viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._is_open = True
        self.session = Session(viewer, parent=self)
        self.image_controls = ImageControls(viewer)
        self.queries = QueryListView()
        self.options = RunOptions(EngineSettings.current().models_folder)
        self.run_bar = RunBar()
        self.proposal_bar = ProposalBar()
        self.results = ResultsPanel()
        self.why = WhyView()
        self.pointing = PointingPanel(viewer, EngineSettings.current().models_folder)
        self.mask_tools = MaskTools(viewer)
        self.label_import = LabelImport(viewer, self.image_controls, self.queries, self)
        self._navigation = ResultNavigation(viewer, self.session)
        self.states = ResultStates(viewer, self._navigation, self.results, self)
        self._prefill = Prefill(viewer, self.queries, self.options)
        self._choices = Choices(self.options, self.image_controls, self.queries, self._prefill, self.pointing.options)
        self._lay_out()
        self._choices.restore()
        self._last_sheet = self.queries.sheet
        self._connect()
        self._keys = KeyBindings(viewer, self, self._actions())
        self._prefill.look_at(self.image_controls.image)
        self._stop_watching = watch_engine_settings(self._on_settings)
        CloseWatch(self, self.close_session)
        # Not a worker of napari's, which fails when the program ends at once; Python itself waits for this one then.
        threading.Thread(target=warm_up).start()

    def run(self) -> None:
        """Segment what is chosen, as the button does; says why if that cannot be done."""
        image = self.image_controls.image
        if self.session.is_running or not self.queries.take_typed():
            return
        try:
            request = self._request()
        except CaRError as error:
            self.run_bar.warn(str(error))
            return
        if image is not None:
            self._last_sheet = request.sheet
            self.why.start(request.colours(request.sheet))
            self.results.start_from(request.effective_config)
            self.session.start(request, image)
            self.tabs.setCurrentIndex(RESULTS_TAB)

    def close_session(self) -> None:
        """Stop a run, and let go of the viewer; results stay."""
        if self._is_open:
            self._is_open = False
            self._choices.save()
            self._stop_watching()
            self._keys.close()
            self.options.models.stop()
            self.options.sams.stop()
            self.session.close()
            self.states.close()
            self.pointing.close_session()
            self.image_controls.close_connections()
            self.mask_tools.close_connections()
            self.label_import.close()

    def _lay_out(self) -> None:
        """Put what is asked for and its button above, what is found below."""
        above, below = QWidget(), QWidget()
        above_layout, below_layout = QVBoxLayout(above), QVBoxLayout(below)
        above_layout.addWidget(self.image_controls)
        above_layout.addWidget(self.queries, stretch=1)
        above_layout.addWidget(self.run_bar)
        above_layout.addWidget(self.proposal_bar)
        self.tabs = QTabWidget()
        self.tabs.addTab(scrolled(self.options), "Settings")
        self.tabs.addTab(scrolled(self.results), "Results")
        self.tabs.addTab(self.why, "Why")
        self.tabs.addTab(scrolled(self.pointing, self.mask_tools), "Correct")
        below_layout.addWidget(self.tabs)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(above)
        splitter.addWidget(below)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self.setFocusProxy(self.queries)

    def _connect(self) -> None:
        """Join the parts."""
        session = self.session
        session.running_changed.connect(self.run_bar.set_running)
        session.running_changed.connect(self.results.set_running)
        session.status_changed.connect(self.run_bar.show_status)
        session.frame_started.connect(self.why.clear_steps)
        session.step_seen.connect(lambda step: self.why.add_step(step.view))
        session.results_changed.connect(self._show_results)
        session.proposal_changed.connect(self._show_proposal)
        session.ended.connect(self.run_bar.say)
        session.said.connect(self.run_bar.say)
        session.discarded.connect(self._reset_thresholds)
        session.failed.connect(self.run_bar.warn)
        for part in (self.states, self.label_import):
            part.said.connect(self.run_bar.say)
            part.failed.connect(self.run_bar.warn)
        self.run_bar.run_wanted.connect(self.run)
        self.run_bar.cancel_wanted.connect(session.cancel)
        self.run_bar.help_wanted.connect(lambda: HelpDialog(self).show())
        self.proposal_bar.accepted.connect(lambda protect: session.accept(protect=protect))
        self.proposal_bar.discarded.connect(session.discard)
        self.image_controls.changed.connect(lambda: self._prefill.look_at(self.image_controls.image))
        self.image_controls.hinted.connect(self.run_bar.say)
        self.queries.sheet_changed.connect(self._on_sheet)
        self.queries.import_wanted.connect(self.label_import.ask)
        self.queries.take_over_wanted.connect(self._take_over)
        self.queries.current_changed.connect(self._on_query_chosen)
        self.results.chosen.connect(self._on_result_chosen)
        self.results.map_wanted.connect(self._show_map)
        self.why.chosen.connect(self._on_step_chosen)
        self.results.thresholds.moved.connect(self._redecide)
        for changed in (self.options.changed, self.queries.sheet_changed, self.image_controls.changed):
            changed.connect(lambda *_: self._on_choice())

    def _actions(self) -> Mapping[str, Callable[[], object]]:
        """Return what the keys do."""
        return {
            "run": self.run,
            "cancel": self.session.cancel,
            "next_query": self.queries.next,
            "previous_query": self.queries.previous,
            "accept": self.proposal_bar.accept,
            "discard": self.session.discard,
            "check": self.states.toggle_check,
            "import_labels": self.label_import.ask,
        }

    def choose_run(self) -> tuple[QuerySheet, CaRConfig, NetworkRequest]:
        """Return what is looked for, how, and with which networks.

        Raises
        ------
        QueryError, CheckpointError, ConfigError
            If something is missing; says what.
        """
        sheet = self.queries.sheet
        if not sheet.queries:
            raise QueryError("There is nothing to look for: type a query, for example leaf, or switch one on.")
        if not self.options.models.is_ready:
            raise CheckpointError(self.options.models.reason)
        config = self.options.config
        if config.sam.enabled and self.options.sams.reason:
            raise CheckpointError(self.options.sams.reason)
        choice, settings = self.options.models.choice, EngineSettings.current()
        networks = NetworkRequest(
            f=choice.f,
            g=choice.g,
            sam=self.options.sams.name if config.sam.enabled else None,
            models_folder=settings.models_folder,
            device=settings.device,
            precision=settings.precision,
        )
        return sheet, config, networks

    def adopt(self, sheet: QuerySheet) -> None:
        """Go on with a list of queries that came with its labels."""
        self.queries.set_sheet(sheet)
        self._last_sheet = sheet
        self._on_choice()

    def _request(self) -> RunRequest:
        """Return all that a run needs, or raise the error that says what is missing."""
        source = self.image_controls.capture()
        sheet, config, networks = self.choose_run()
        return RunRequest(
            source=source,
            frames=self.image_controls.frames(source, self.options.tile_px, self.options.overlap_px),
            sheet=sheet,
            config=config,
            preset=self.options.preset.name,
            networks=networks,
            grouping=self.options.grouping,
            as_video=self.image_controls.is_video,
        )

    def _show_results(self) -> None:
        """Show what was found, or would be found with the thresholds that are proposed."""
        self.states.follow()
        request, outcome = self.session.request, self.session.shown_outcome
        if request is None:
            return
        sheet = self.queries.sheet
        names, colours = request.sheet.names | sheet.names, request.sheet.colours | sheet.colours
        n_pixels = sum(frame.kept.size_px[0] * frame.kept.size_px[1] for frame in outcome.frames)
        self.results.show_outcome(outcome, names, colours, n_pixels, self._navigation.px_area())
        self.queries.set_verdicts({summary.id: summary.verdict for summary in outcome.summaries()})

    def _show_proposal(self) -> None:
        """Ask for a decision where there is something to decide."""
        results = self.session.results
        summary = results.summary() if results is not None and results.has_proposal else None
        self.proposal_bar.show_summary(summary)
        self.run_bar.give_way(summary is not None)

    def _reset_thresholds(self) -> None:
        """Put the thresholds back to where the run had them."""
        if self.session.request is not None:
            self.results.start_from(self.session.request.effective_config)

    def _redecide(self) -> None:
        """Propose what the thresholds that are shown would find."""
        sliders = self.results.thresholds
        self.session.redecide(sliders.score_threshold, sliders.mask_threshold, self._navigation.shown_frame())

    def _on_sheet(self, sheet: QuerySheet) -> None:
        """Carry names and colours over to layers and table."""
        carry_over(self._viewer, self._last_sheet, sheet)
        self._last_sheet = sheet
        self.session.describe(sheet)
        self._show_results()
        if self.session.request is not None:
            self.why.set_colours(self.session.request.colours(sheet))

    def _take_over(self) -> None:
        """Go on with the queries of labels that were made with another list."""
        try:
            self.queries.apply(queries_of_labels(self._viewer))
        except CaRError as error:
            self.run_bar.warn(str(error))

    def _on_query_chosen(self, id_: int) -> None:
        """Paint with the label of the chosen query."""
        self._navigation.select_label(id_)
        self.results.choose(id_)

    def _on_result_chosen(self, id_: int) -> None:
        """Show where the query was found."""
        self.queries.set_current(id_)
        self._navigation.go_to(id_)
        if self.session.request is not None and id_ in self.session.request.sheet.query_ids:
            self.why.highlight(self.session.request.sheet.query_ids.index(id_))

    def _on_step_chosen(self, index: int) -> None:
        """Choose the query whose time step was chosen."""
        request = self.session.request
        if request is not None and index < len(request.sheet.query_ids):
            self.results.choose(request.sheet.query_ids[index])
            self.queries.set_current(request.sheet.query_ids[index])

    def _show_map(self, id_: int) -> None:
        """Add the score map of a query, or say why there is none."""
        try:
            self._navigation.show_score_map(id_)
        except CaRError as error:
            self.run_bar.warn(str(error))

    def _on_choice(self) -> None:
        """Keep what was chosen; what was wrong with the choice before may not be any more."""
        self._choices.save_soon()
        self.run_bar.forget_warning()
        with suppress(ConfigError):  # half-typed parameters
            self.queries.set_groups_shown(self.options.config.mutual_background.enabled)

    def _on_settings(self, settings: EngineSettings) -> None:
        """Look for checkpoints where the preferences say now."""
        self.options.models.models_folder = settings.models_folder
        self.options.sams.models_folder = settings.models_folder
        self.pointing.options.sams.models_folder = settings.models_folder
