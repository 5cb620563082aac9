"""A file is the old one or the new one, and belongs to whom its folder belongs."""

import os
import stat
from pathlib import Path

import pytest

from telemetry.durable import make_folder, write_durably


def _owned_by_a_service(folder: Path) -> Path:
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    return folder


def test_what_an_administrator_writes_belongs_to_the_service(tmp_path: Path) -> None:
    state = _owned_by_a_service(tmp_path / "state")
    write_durably(state / "identity/centre.pem", b"secret")
    for made in (state / "identity", state / "identity/centre.pem"):
        assert (made.stat().st_uid, made.stat().st_gid) == (state.stat().st_uid, state.stat().st_gid)
    assert stat.S_IMODE((state / "identity").stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "identity/centre.pem").stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_durably(file, b"old", mode=0o644)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(file, b"new")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"old")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_the_new_file_is_on_disk_before_it_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("rename"), replace(self, to))[1])
    write_durably(tmp_path / "file", b"new")
    assert order == ["sync", "rename", "sync"]


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    make_folder(tmp_path / "there")
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o755
