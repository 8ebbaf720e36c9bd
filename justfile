# The front door for whoever works on sandkube. `just` lists what there is.

set shell := ["bash", "-euo", "pipefail", "-c"]

# list the recipes
default:
    @just --list --unsorted

# install everything a checkout needs into .venv (no Go is built)
setup:
    uv sync --all-groups

# run the tests; builds the server first if it is missing: `just test tests/unit -k folder`
test *arguments:
    uv run pytest {{ arguments }}

# everything that is checked without running the product
lint: lint-python lint-go lint-shell

# ruff, mypy, import-linter
lint-python:
    uv run ruff check
    uv run ruff format --check
    uv run mypy
    uv run lint-imports

# gofmt, go vet, and the Go half's own tests, with the flags of the build: what is compiled serves all
lint-go:
    test -z "$(gofmt -l server tests/cni conformance benchmarks/peers)" || { gofmt -d server tests/cni conformance benchmarks/peers; exit 1; }
    cd tests/cni/reference && CGO_ENABLED=0 GOFLAGS=-trimpath go vet ./...
    cd benchmarks/peers && CGO_ENABLED=0 GOFLAGS=-trimpath go test ./driver
    cd server && CGO_ENABLED=0 GOFLAGS=-trimpath go vet ./...
    cd server && CGO_ENABLED=0 GOFLAGS=-trimpath go test ./internal/...

# shellcheck on the scripts
lint-shell:
    uv run shellcheck .ci/run

# mend what can be mended by itself
fix:
    uv run ruff check --fix
    uv run ruff format
    if command -v gofmt > /dev/null; then gofmt -w server tests/cni conformance benchmarks/peers; fi

# build the documentation into docs/_build; a warning is an error
docs:
    uv run --group docs sphinx-build -W --keep-going -b html docs docs/_build/html

# build the server binary into the cache
server:
    uv run sandkube server build

# build both wheels into dist/ and test the server's: its size, and what it holds
wheel:
    rm -f dist/sandkube*
    uv build --wheel --out-dir dist
    uv build --wheel --out-dir dist server
    uv run pytest tests/packaging/test_wheel.py
    ls -l dist/*.whl

# build the server's wheels for the other platforms, with the template of a native build; a full compile each
cross: server
    #!/usr/bin/env bash
    set -euo pipefail
    binary=$(uv run sandkube server path)
    export SANDKUBE_TEMPLATE="$(dirname "$binary")/template.db"
    for platform in linux/arm64 darwin/arm64; do
        GOOS=${platform%/*} GOARCH=${platform#*/} uv build --wheel --out-dir dist server
    done
    uv run pytest tests/packaging/test_wheel.py
    ls -l dist/sandkube_server-*.whl

# do what README.md says, to the letter, as a newcomer with nothing would
readme-check *arguments:
    python3 tools/readme_check.py {{ arguments }}

# run the tests in gVisor; runsc comes from Debian's packages
gvisor *arguments:
    SANDKUBE_RUNSC="$(python3 tools/install_runsc.py)" uv run pytest tests/gvisor {{ arguments }}

# run upstream's conformance tests that need no node: `just conformance --gvisor`, `--quick`
conformance *arguments:
    uv run python conformance/run.py {{ arguments }}

# the faults in their long form, an hour: every case, a hundred kills, a minute's stop, ten minutes for a list's token
faults-long *arguments="tests/faults":
    SANDKUBE_LONG=1 uv run pytest -n 0 -s {{ arguments }}

# follow the tutorial's lessons: `just lessons --update docs/tutorial/3-services.md`
lessons *arguments="docs/tutorial/*.md":
    uv run python tests/tutorial/lesson.py {{ arguments }}

# measure starts: `just bench --rounds 3`
bench *arguments:
    uv run python benchmarks/start {{ arguments }}

# measure starts in gVisor beside native ones
bench-gvisor *arguments:
    SANDKUBE_RUNSC="${SANDKUBE_RUNSC:-$(python3 tools/install_runsc.py)}" uv run python benchmarks/gvisor {{ arguments }}

# measure memory, latency or load beside four processes: `just bench-of memory --rounds 3`
bench-of name *arguments:
    uv run python benchmarks/{{ name }} {{ arguments }}

# hours of a realistic mix, with a verdict: `just soak --minutes 60 --seed 1`, `--gvisor`
soak *arguments:
    #!/usr/bin/env bash
    set -euo pipefail
    case " {{ arguments }} " in
    *" --gvisor "*) export SANDKUBE_RUNSC="${SANDKUBE_RUNSC:-$(python3 tools/install_runsc.py)}" ;;
    esac
    exec uv run python benchmarks/soak {{ arguments }}

# all that docs/reference/benchmarks.md shows, one after the other, into a folder; three hours of a machine that is idle otherwise
bench-all folder:
    #!/usr/bin/env bash
    set -uo pipefail
    mkdir -p "{{ folder }}"
    status=0
    for name in start memory latency load validate; do
        uv run python "benchmarks/$name" --json "{{ folder }}/$name.json" || status=1
    done
    just bench-gvisor --json "{{ folder }}/gvisor.json" || status=1
    just soak --minutes 30 --json "{{ folder }}/soak-native.json" || status=1
    just soak --minutes 60 --gvisor --json "{{ folder }}/soak-gvisor.json" || status=1
    exit $status

# measure how right `validate` is, beside kubectl's verdicts: `just mutants --seed 1 --count 500`
mutants *arguments:
    uv run python tests/validation/proof {{ arguments }}

# keep results, draw them and write their tables into the docs: `just bench-publish FOLDER/*.json`
bench-publish *files:
    uv run python benchmarks/publish {{ files }}

# compare a revision with the work tree, interleaved: `just bench-compare HEAD~1 --rounds 10`
bench-compare *arguments:
    uv run python benchmarks/compare {{ arguments }}

# write today's versions of all dependencies into pyproject.toml
pins:
    uv run python tools/pins.py
    uv lock --check || uv lock

# look for known faults in what is linked and installed; asks databases that not every network reaches
audit: audit-go audit-python

# govulncheck: known faults in Go modules, as far as the server calls them (asks vuln.go.dev)
audit-go:
    cd server && CGO_ENABLED=0 GOFLAGS=-trimpath go run golang.org/x/vuln/cmd/govulncheck@latest ./...

# pip-audit: known faults in the packages of a checkout (asks pypi.org); what cannot be looked up is an error
audit-python:
    uvx pip-audit --strict --skip-editable --path "$(uv run python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

# remove what tools left in this folder; servers in the cache stay (`sandkube server remove`)
clean:
    rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist build docs/_build server/dist
    find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
