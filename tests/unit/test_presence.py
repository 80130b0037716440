"""A vault that is taken away stays away, whenever that happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from ytsb_tui.errors import NotWritable, Ours
from ytsb_tui.presence import Presence
from ytsb_tui.services.vault.vault import Vault
from ytsb_tui.settings import PRIVATE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "notes" / PRIVATE).mkdir(parents=True)
    return tmp_path / "notes"


class Late(FileLock):
    """A lock that is asked for just before the vault is moved; it makes the folders it needs."""

    def acquire(self, *args: Any, **options: Any) -> Any:
        vault = Path(self.lock_file).parent.parent
        vault.rename(vault.with_name("away"))
        return super().acquire(*args, **options)


def test_a_lock_that_is_taken_as_the_vault_goes_leaves_nothing_in_its_place(root: Path) -> None:
    late = Late(root / PRIVATE / "vault.lock", thread_local=False)
    with pytest.raises(Ours, match=r"The vault .*notes is gone\."), Presence(root).held(late, 1.0):
        pytest.fail("nobody may write")
    assert not root.exists()
    assert not late.is_locked


def test_what_somebody_put_in_the_place_of_a_vault_is_another_folder(root: Path) -> None:
    vault = Vault(root)
    root.rename(root.with_name("away"))
    root.mkdir()
    (root / "mine.md").write_text("mine")
    with pytest.raises(Ours, match="is gone"):
        vault.write(Path("General/Note.md"), "text")
    assert [path.name for path in root.rglob("*")] == ["mine.md"]


@pytest.mark.parametrize("write", [Vault.write, lambda vault, path, text: vault._folder.create(path, text)])
def test_a_vault_that_goes_while_its_lock_is_held_is_not_made_by_who_writes(
    root: Path, write: Callable[[Vault, Path, str], object]
) -> None:
    vault = Vault(root)
    root.rename(root.with_name("away"))
    with pytest.raises(Ours, match="is gone"):
        write(vault, Path("General/Note.md"), "text")
    assert not root.exists()


def test_a_folder_is_made_level_by_level(root: Path) -> None:
    presence = Presence(root)
    presence.make(root / "a" / "b")
    presence.make(root / "a" / "b")
    presence.make(root)
    assert (root / "a" / "b").is_dir()
    (root / "file").touch()
    with pytest.raises(FileExistsError):
        presence.make(root / "file" / "b")


def test_an_error_of_the_system_is_told_as_such_while_the_vault_is_there(root: Path) -> None:
    assert isinstance(Presence(root).refusal(PermissionError(13, "no"), "writing x"), NotWritable)
