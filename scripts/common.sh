# Sourced by the scripts: where we are, which Python, a venv that matches a lock file.
set -eu
cd "${here:-$(dirname "$0")/..}"

python_for_venv() {
  for name in python3.11 python3.12 python3.13 python3; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "$name"
      return
    fi
  done
  echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv" >&2
  exit 1
}

# need_venv LOCK: .venv holds what LOCK names, by hash; the stamp saves the second look.
need_venv() {
  if [ ! -x .venv/bin/python ]; then
    echo "Making .venv ..." >&2
    "$(python_for_venv)" -m venv .venv || {
      echo "python3 -m venv does not work here: apt-get install python3-venv" >&2
      exit 1
    }
  fi
  stamp=".venv/$(basename "$1").sum"
  sum=$(sha256sum "$1" | cut -d' ' -f1)
  if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$sum" ]; then
    echo "Installing $1 into .venv (about half a minute) ..." >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"
    echo "$sum" >"$stamp"
  fi
}
