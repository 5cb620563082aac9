"""A file that is either the old one or the new one, whole, also after a power cut."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_durably(file: Path, body: bytes, *, mode: int = 0o600) -> None:
    """Replace `file` by one rename, on disk when this returns; raises OSError and leaves the old one.

    The folder is made if it is not there (0700). As root the file goes to the owner of its folder, so
    that the service's user can read what an administrator made.
    """
    make_folder(file.parent)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600 from its first moment
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(body)
            out.flush()
            _give_to_owner_of(file.parent, out.fileno())
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    sync_folder(file.parent)


def make_folder(folder: Path) -> None:
    """A folder for this service alone, owned as the one above it; nothing if it is there."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)  # the owner above may have swapped it
    try:
        _give_to_owner_of(folder.parent, handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Renames and removals in `folder` are on disk when this returns."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _give_to_owner_of(folder: Path, handle: int) -> None:
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
