# make demo: segment the sample images of the package. make test: run every check and test.
# Both set up what they need, from a fresh clone with Python 3.11 or newer, pip and make.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
DEFAULT_TESTS := not slow and not weights and not gpu

# A window needs a screen: where there is none, the tests get a virtual one, or skip what opens windows.
SCREEN = $(if $(DISPLAY),,$(if $(shell command -v xvfb-run 2>/dev/null),xvfb-run -a -s "-screen 0 1920x1200x24"))

# What it takes.
DEBIAN_PACKAGES := xvfb xauth libgl1 libgl1-mesa-dri libegl1 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 \
	libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 \
	libxcb-xinerama0 libxcb-xkb1

.PHONY: demo test debian-packages clean

demo: $(VENV)/.installed
	$(BIN)/napari-car demo --out demo-output --overwrite

# The tests come last, so that their summary is the last thing printed; or, if a process died, in which test and where.
# Those that need no window run in as many processes as there are processors; windows would take each other's focus.
test: debian-packages $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --quiet
	rm -f .pytest_cache/crash*.txt
	{ OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not gui and $(DEFAULT_TESTS)" -n auto --dist loadfile $(PYTEST_ARGS) && \
	$(SCREEN) $(BIN)/python -m pytest -m "gui and $(DEFAULT_TESTS)" $(PYTEST_ARGS); } || \
		{ status=$$?; head -n 30 .pytest_cache/crash*.txt; exit $$status; }

# Without venv's own pip, which Debian packages apart, pip puts itself into the environment.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: none was found." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install pip; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# pydensecrf2 has no wheels: where it cannot be compiled, the tests that need it are skipped.
$(VENV)/.installed-dev: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[gui]" --group dev
	$(BIN)/python -m pip install --quiet --editable ".[crf]" || \
		echo "pydensecrf2 could not be compiled: going on without it." >&2
	touch $@

# Where they cannot be installed, the tests that need a window are skipped.
debian-packages:
	@command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || exit 0; \
	missing=$$(for package in $(DEBIAN_PACKAGES); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done); \
	test -n "$$missing" || exit 0; \
	if [ "$$(id -u)" = 0 ]; then as_root=env; elif sudo -n true 2>/dev/null; then as_root="sudo env"; else \
		echo "Not installed, and this is not root: $$missing" >&2; exit 0; fi; \
	{ $$as_root apt-get update -qq && \
	$$as_root DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null; } || \
		echo "Could not be installed: $$missing" >&2

clean:
	rm -rf $(VENV) demo-output site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
