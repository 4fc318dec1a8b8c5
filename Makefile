# `make demo` opens the page, `make test` runs every check; both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
# Only files whose hashes the lock files name are installed.
BY_HASH := --quiet --disable-pip-version-check --require-hashes
INSTALL := install $(BY_HASH)
DOWNLOAD := download $(BY_HASH)
# uv takes a tenth of pip's time; pip steps in where its own configuration alone names the index.
install = .tools/uv/bin/uv pip $(INSTALL) --python $(1) $(2) -r $< || \
	$(BIN)/python -m pip --python $(1) $(INSTALL) $(2) -r $<

# Tests start hundreds of processes, each of which would compile the sources again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo serve test fuzz lint types imports tools debian-packages unit stack-tests engine-tests page-tests live-tests browser-tests command-tests server-tests other-tests lock audit licenses sbom image-check deployment-lint clean

demo: $(VENV)/run.stamp
	$(BIN)/python -m backend page --port $(PORT)

serve: $(VENV)/run.stamp
	$(BIN)/python -m backend serve --host 127.0.0.1 --port 8080

# Every group of checks runs even if others fail, and is set up beside the rest.
test:
	$(MAKE) --jobs 4 --keep-going --output-sync=target lint types imports deployment-lint $(TEST_GROUPS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports

# Programs that clash with ours or with one another live in environments of their own.
stamps = $(foreach tool,$(1),.tools/$(tool).stamp)
STACK_TOOLS := $(call stamps,cfn-lint checkov ministack ray statelint)
OTHER_TOOLS := $(call stamps,cyclonedx-bom pip-licenses pipx uv wheels)
tools: $(STACK_TOOLS) $(OTHER_TOOLS)

# One test needs Ray; its other requirements are installed already.
.tools/ray.stamp: scripts/tools/ray.lock | .tools/uv.stamp
	rm -rf .tools/ray
	$(call install,$(BIN)/python,--no-deps --target .tools/ray)
	touch $@

.tools/%.stamp: scripts/tools/%.lock | .tools/uv.stamp
	rm -rf .tools/$*
	$(PYTHON) -m venv --without-pip .tools/$*
	$(call install,.tools/$*/bin/python)
	touch $@

.tools/uv.stamp: scripts/tools/uv.lock | $(BIN)/python
	rm -rf .tools/uv
	$(PYTHON) -m venv --without-pip .tools/uv
	$(BIN)/python -m pip --python .tools/uv/bin/python $(INSTALL) --no-compile -r $<
	touch $@

# The tests' pipx and uvx, and the build of the wheel, install from these files and ask no index.
.tools/wheels.stamp: containers/page.lock scripts/tools/wheels.lock | $(BIN)/python
	rm -rf .tools/wheels
	for lock in $^; do $(BIN)/python -m pip $(DOWNLOAD) --dest .tools/wheels -r $$lock || exit 1; done
	touch $@

debian-packages: | $(BIN)/python
	-scripts/install-debian-packages.sh

# Long groups begin first, two of the browser's at once. A group is one process, so the last to end, which runs alone,
# is short.
TEST_GROUPS := stack-tests browser-tests page-tests engine-tests live-tests server-tests command-tests other-tests
unit:
	$(MAKE) --jobs 4 --keep-going --output-sync=target $(TEST_GROUPS)

$(TEST_GROUPS): $(VENV)/dev.stamp debian-packages

PAGE_TESTS := $(addprefix tests/browser/test_,page.py slider.py)
page-tests:
	$(BIN)/pytest $(PAGE_TESTS)

LIVE_TESTS := $(addprefix tests/browser/test_,live.py sizes.py bar.py)
live-tests:
	$(BIN)/pytest $(LIVE_TESTS)

browser-tests:
	$(BIN)/pytest tests/browser $(addprefix --ignore=,$(PAGE_TESTS) $(LIVE_TESTS))

ENGINE_TESTS := $(addprefix tests/,engine hostile)
engine-tests:
	$(BIN)/pytest $(ENGINE_TESTS)

COMMAND_TESTS := $(addprefix tests/,cli bulk sources benchmarks docs)
command-tests: .tools/ray.stamp
	$(BIN)/pytest $(COMMAND_TESTS)

SERVER_TESTS := $(addprefix tests/,http webapp)
server-tests:
	$(BIN)/pytest $(SERVER_TESTS)

STACK_TESTS := $(addprefix tests/,stack cfn aws)
stack-tests: $(STACK_TOOLS)
	$(BIN)/pytest $(STACK_TESTS)

other-tests: $(OTHER_TOOLS)
	$(BIN)/pytest $(addprefix --ignore=,tests/browser $(ENGINE_TESTS) $(COMMAND_TESTS) $(SERVER_TESTS) $(STACK_TESTS))

# Fuzz every reader of strangers' bytes for so long: `make fuzz SECONDS=3600`.
SECONDS ?= 600
fuzz: $(VENV)/dev.stamp
	FUZZ_SECONDS=$(SECONDS) $(BIN)/pytest tests/hostile/test_fuzz.py

# Run this after a change of a requirement file; `make lock UPGRADE=--upgrade` also takes the newest dependencies.
UPGRADE ?=
lock: .tools/uv.stamp
	scripts/make-locks.sh $(abspath .tools/uv/bin/uv) $(UPGRADE)

# Look for vulnerabilities that the package index and osv.dev list; this needs the internet.
LOCKS := requirements-dev.lock $(wildcard cfn/*.lock containers/*.lock scripts/tools/*.lock)
audit: .tools/pip-audit.stamp
	for lock in $(LOCKS); do .tools/pip-audit/bin/pip-audit --strict --disable-pip --requirement $$lock || exit 1; done

# Write the table of docs/licenses.md; the text above it is written by hand.
licenses: $(VENV)/dev.stamp .tools/pip-licenses.stamp
	sed -i '/^|/d' docs/licenses.md
	scripts/licenses.sh >>docs/licenses.md

# Lint what others run; docs/portability.md says what this cannot show.
deployment-lint: .tools/deployment-lint.stamp
	.tools/deployment-lint/bin/hadolint Dockerfile
	.tools/deployment-lint/bin/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	.tools/deployment-lint/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.tools/deployment-lint/bin/actionlint -shellcheck= .github/workflows/*.yml
	.tools/deployment-lint/bin/kubernetes-validate --strict deploy/kubernetes.yaml

# Build and run every image without a registry; this needs root, and Debian's buildah and mmdebstrap.
image-check: $(VENV)/run.stamp .tools/cyclonedx-bom.stamp
	$(BIN)/python -m containers.check $(TARGETS)

# List the packages that the page, the server and the command line need.
sbom: build/sbom.cdx.json

build/sbom.cdx.json: requirements.lock .tools/cyclonedx-bom.stamp
	rm -rf build/sbom
	$(PYTHON) -m venv --without-pip build/sbom
	$(call install,build/sbom/bin/python)
	scripts/make-sbom.sh .tools/cyclonedx-bom build/sbom/bin/python $@

clean:
	rm -rf $(VENV) .tools build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	PYTHON=$(PYTHON) scripts/make-venv.sh

# The page and Ray are compiled now, so that their first start is quick.
$(VENV)/run.stamp .tools/ray.stamp: export UV_COMPILE_BYTECODE = 1
$(VENV)/run.stamp: requirements.lock | .tools/uv.stamp
	$(call install,$(BIN)/python)
	touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	$(call install,$(BIN)/python)
	touch $@
