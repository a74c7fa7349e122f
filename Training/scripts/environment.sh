# Sourced by the project's scripts: finds or makes a Python environment and installs the project into it.
# Usage: prepare_environment EXTRAS   (EXTRAS: a comma-separated list, may be empty). Sets $PYTHON.

find_python() {
    local candidate
    for candidate in python3 python3.11 python3.12 python3.10 python; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "error: Python 3.10, 3.11 or 3.12 is needed and none was found on PATH" >&2
    return 1
}

prepare_environment() {
    local extras=$1 root=$2 base wanted stamp
    if [ -n "${VIRTUAL_ENV:-}" ] || [ -n "${CONDA_PREFIX:-}" ]; then
        PYTHON=$(command -v python)
    else
        if [ ! -x "$root/.venv/bin/python" ]; then
            base=$(find_python) || return 1
            echo "Making $root/.venv with $base"
            "$base" -m venv "$root/.venv" || return 1
        fi
        PYTHON="$root/.venv/bin/python"
    fi
    wanted="$(cat "$root/pyproject.toml" "$root/Training/constraints.txt" | cksum) $root"
    stamp=$("$PYTHON" -c 'import sys; print(sys.prefix)')/.deepstroke-installed-${extras:-core}
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing DeepStroke and what it needs into $("$PYTHON" -c 'import sys; print(sys.prefix)')"
        "$PYTHON" -m pip install --quiet --disable-pip-version-check --constraint "$root/Training/constraints.txt" \
            --editable "$root${extras:+[$extras]}" || {
            echo "error: the installation failed; offline, point pip to a wheelhouse: PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER" >&2
            return 1
        }
        printf '%s' "$wanted" > "$stamp"
    fi
}
