"""`package.module:Model` where the package bears one of Octavo's own names."""

from pathlib import Path

import pytest

from flows.schema_lookup import find_schema

MODEL = "from pydantic import BaseModel\n\n\nclass Ticket(BaseModel):\n    number: str\n"


@pytest.mark.parametrize(
    ("file", "spec"),
    [
        ("schemas/mine.py", "schemas.mine:Ticket"),
        ("flows/tickets/paper.py", "flows.tickets.paper:Ticket"),
        ("extractors/mine/__init__.py", "extractors.mine:Ticket"),
    ],
)
def test_a_folder_of_our_name_is_read_as_files(file: str, spec: str) -> None:
    """A person's `schemas/` stands in the working directory: it is theirs, and ours stays what is imported."""
    path = Path(file)
    path.parent.mkdir(parents=True)
    path.write_text(MODEL)
    schema = find_schema(spec)
    assert (schema.name, schema.origin) == ("ticket", f"{path.absolute()}:Ticket")
    assert find_schema(f"{file}:Ticket").reading == schema.reading


def test_octavos_own_modules_stay_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the checkout itself, `schemas.builtin` is the module, not a second copy of its file."""
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    from schemas.builtin import BUILTIN

    for model in BUILTIN.values():
        assert find_schema(f"{model.__module__}:{model.__name__}").origin == f"{model.__module__}:{model.__name__}"


def test_a_folder_of_another_name_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As before: a package of the working directory is a package."""
    (tmp_path / "papers_of_mine").mkdir()
    (tmp_path / "papers_of_mine" / "ticket.py").write_text(MODEL)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_schema("papers_of_mine.ticket:Ticket").name == "ticket"
