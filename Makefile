# make exam: examine the built-in network · make test: the whole test suite · make check: lint + types + tests
# make coverage: the test suite, and which lines it reaches
PYTHON ?= python3
BIN := .venv/bin

.PHONY: exam test coverage check lint types bench clean

$(BIN)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

exam: $(BIN)/.ready
	$(BIN)/snellen examine --out report

test: $(BIN)/.ready
	$(BIN)/python -m pytest -n auto --dist worksteal

coverage: $(BIN)/.ready
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term --cov-fail-under=90

lint: $(BIN)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.ready
	$(BIN)/mypy

check: lint types test

clean:
	rm -rf .venv report .pytest_cache .mypy_cache .ruff_cache .coverage*
