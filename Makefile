# `make demo` opens the page, `make test` runs every check; both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: demo serve test fuzz lint types imports tools unit clean

demo: $(VENV)/run.stamp
	$(BIN)/streamlit run webapp/app.py --server.address 127.0.0.1 --server.port $(PORT)

serve: $(VENV)/run.stamp
	$(BIN)/python -m backend serve --host 127.0.0.1 --port 8080

test:
	$(MAKE) --jobs 2 lint types imports tools
	$(MAKE) unit

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports

# Programs that clash with ours or with one another live in environments of their own.
TOOLS := cfn-lint==1.58.0 checkov==3.3.30 ministack==1.5.33

tools: $(foreach tool,$(TOOLS),.tools/$(tool).stamp)

.tools/%.stamp: | $(BIN)/python
	rm -rf .tools/$(firstword $(subst ==, ,$*))
	$(PYTHON) -m venv .tools/$(firstword $(subst ==, ,$*))
	.tools/$(firstword $(subst ==, ,$*))/bin/pip install --quiet --disable-pip-version-check $*
	touch $@

unit: $(VENV)/dev.stamp tools
	-scripts/install-debian-packages.sh
	$(BIN)/pytest

# Every reader of strangers' bytes for so long: `make fuzz SECONDS=3600`.
SECONDS ?= 600
fuzz: $(VENV)/dev.stamp
	FUZZ_SECONDS=$(SECONDS) $(BIN)/pytest tests/hostile/test_fuzz.py

clean:
	rm -rf $(VENV) .tools build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	PYTHON=$(PYTHON) scripts/make-venv.sh

$(VENV)/run.stamp: requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
