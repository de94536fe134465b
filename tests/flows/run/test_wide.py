"""Schemas of more fields than a model answers at once: asked in groups, no field lost, nothing paid twice."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, model_server, says
from pages import digital_pdf
from runs import rows, run, states
from statements import pages_asked, statement_pdf, transactions
from strict_servers import KEY
from wide import answers, asked_schema, group_sizes, leaves_in, projected, record_of, wide_schema, written

from extractors.asking.groups import AT_ONCE, MOST, leaf_paths
from extractors.errors import EndpointRefused
from flows.cli.parser import main


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One form of a page."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(digital_pdf(["A form 12.00"]))
    return folder


def kept() -> dict[str, Any]:
    """The one record's data."""
    ((data,),) = rows("select data from records")
    found: dict[str, Any] = json.loads(data)
    return found


def issues() -> list[tuple[str, str]]:
    """Kind and message of the one record's issues, those about places on the page left out."""
    ((told,),) = rows("select issues from records")
    return [(each["kind"], each["message"]) for each in json.loads(told) if each["kind"] != "not_on_page"]


def estimated(capsys: pytest.CaptureFixture[str], inbox: Path, schema: str, *more: str) -> dict[str, Any]:
    """The JSON line of a dry run."""
    capsys.readouterr()
    assert main(["extract", str(inbox), "--schema", schema, "--dry-run", "--json", *more]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


@pytest.mark.parametrize("beyond", ["fields left out", "cut off"])
@pytest.mark.parametrize("leaves", [40, 120, 369])
def test_no_leaf_is_lost(
    leaves: int, beyond: str, inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a server that leaves fields out, or is cut off, when asked for more than 60; as many calls as foretold."""
    schema = wide_schema(leaves, columns=20)
    record, path = record_of(schema), written(tmp_path, schema)
    foretold = estimated(capsys, inbox, path)
    with model_server(lambda asked: answers(record, asked, cuts=beyond == "cut off")) as server:
        summary = run(inbox, server.base_url, schema_name=path)
        sizes = group_sizes(server.asked)
    assert states() == {"a.pdf": ("complete", None)}
    assert kept() == record
    assert issues() == []
    assert len(sizes) == summary.meter.calls == foretold["requests"]
    assert (len(sizes) == 1) == (leaves <= AT_ONCE)
    assert max(sizes) <= MOST
    assert foretold.get("groups", {}) == ({} if leaves <= AT_ONCE else {"form": len(sizes)})


def test_a_narrow_schema_is_asked_as_ever(inbox: Path, tmp_path: Path) -> None:
    """Up to 100 leaves in one question, the instructions before the pages."""
    schema = wide_schema(100)
    with model_server(lambda asked: answers(record_of(schema), asked, most=100)) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
    (asked,) = server.asked
    assert [part["type"] for part in asked.body["messages"][1]["content"]] == ["text", "text", "image_url"]
    assert "Only some fields" not in asked.text


@pytest.mark.parametrize("name", ["openrouter", "modelslab-messages"])
def test_what_groups_share_comes_first(
    name: str, inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page stands before the instructions, the first group is answered before the others are sent: for caches."""
    monkeypatch.setenv("OPENROUTER_API_KEY" if name == "openrouter" else "MODELSLAB_API_KEY", KEY)
    schema = wide_schema(150)
    record = record_of(schema)

    def script(asked: Asked) -> Answer:
        if name == "openrouter":
            return answers(record, asked)
        (tool,) = asked.body["tools"]
        content = [{"type": "tool_use", "name": tool["name"], "input": projected(record, tool["input_schema"])}]
        usage = {"input_tokens": 1000, "output_tokens": 100}
        body = {"type": "message", "content": content, "stop_reason": "tool_use", "usage": usage}
        return Answer(body=json.dumps(body).encode(), delay=0.1)

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema), endpoints=(name,), model=None)
    contents = [asked.body["messages"][-1]["content"] for asked in server.asked]
    assert len(contents) == 4
    assert len({json.dumps(content[:-1]) for content in contents}) == 1
    assert [part["type"] for part in contents[0]] == ["text", "image" if "messages" in name else "image_url", "text"]
    assert all("Only some fields" in content[-1]["text"] for content in contents)
    assert kept() == record


def test_a_table_wider_than_fits_is_put_together_by_its_keys(inbox: Path, tmp_path: Path) -> None:
    """Each group repeats number and description; rows that another group gives in another order find their row."""
    schema = wide_schema(130, columns=130)
    record = record_of(schema, rows=7)

    def script(asked: Asked) -> Answer:
        right = projected(record, asked_schema(asked))
        return says({"lines": right["lines"][:: -1 if "column_60" in asked.text else 1]})

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
    assert states() == {"a.pdf": ("complete", None)}
    assert kept() == record
    for asked in server.asked:
        assert list(asked_schema(asked)["properties"]["lines"]["items"]["properties"])[:2] == [
            "position",
            "description",
        ]


def test_rows_without_a_partner_are_kept_and_told(inbox: Path, tmp_path: Path) -> None:
    """The groups of that table are asked once more; what stays so is in the record with an issue, and never mixed."""
    schema = wide_schema(130, columns=130)
    record = record_of(schema, rows=4)

    def script(asked: Asked) -> Answer:
        right = projected(record, asked_schema(asked))
        return says({"lines": right["lines"][1:]} if "column_60" in asked.text else right)

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
        repaired = [asked for asked in server.asked if asked.is_repair]
        groups = len(server.asked) - len(repaired)
    assert states() == {"a.pdf": ("complete", None)}
    assert (groups, len(repaired)) == (3, 3)
    assert "give every row once, in order" in repaired[0].text
    lines = kept()["lines"]
    assert len(lines) == 4
    assert (lines[0]["column_50"] is None) != (lines[0]["column_60"] is None)
    assert lines[1:] == record["lines"][1:]
    ((kind, message),) = issues()
    assert kind == "unpaired_rows"
    assert "lines: 1 rows" in message
    assert "position and description" in message


def test_rows_that_the_second_round_completes_are_no_issue(inbox: Path, tmp_path: Path) -> None:
    """The better round counts."""
    schema = wide_schema(130, columns=130)
    record = record_of(schema, rows=4)

    def script(asked: Asked) -> Answer:
        right = projected(record, asked_schema(asked))
        lacks = "column_60" in asked.text and not asked.is_repair
        return says({"lines": right["lines"][1:]} if lacks else right)

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
    assert (kept(), issues()) == (record, [])


FAILURES = {
    "no JSON": (Answer(text="I cannot read this."), "invalid_answer"),
    "cut off": (Answer(text='{"section', finish_reason="length"), "truncated_answer"),
    "refused": (Answer(text="", finish_reason="content_filter"), "refused"),
    "no object": (Answer(text='{"foo": {"bar": 1}}'), "invalid_answer"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_group_that_fails_costs_its_fields_alone(name: str, inbox: Path, tmp_path: Path) -> None:
    """The others stand, the document is partial and says what was not read; failed again, it alone is asked anew."""
    schema = wide_schema(150)
    record, path = record_of(schema), written(tmp_path, schema)
    failure, kind = FAILURES[name]

    def script(asked: Asked) -> Answer:
        return failure if "box_50" in asked.text else answers(record, asked)

    with model_server(script) as server:
        summary = run(inbox, server.base_url, schema_name=path)
        assert states() == {"a.pdf": ("partial", kind)}
        assert summary.exit_code == 3
        # Cut off, the group is asked for in smaller ones, of which one fails.
        lost = {"section_4"} if name == "cut off" else {"section_4", "section_5", "section_6"}
        assert {name: value for name, value in kept().items() if leaves_in(value)} == {
            name: value for name, value in record.items() if name not in lost
        }
        ((each, message),) = issues()
        assert each == "unread_fields"
        assert "section_4.box_46" in message
        assert rows("select status from pages") == [("read",)]
        before = len(server.asked)
        server.script = lambda asked: answers(record, asked)
        run(inbox, server.base_url, schema_name=path, rerun="failed")
        again = server.asked[before:]
    assert states() == {"a.pdf": ("complete", None)}
    assert kept() == record
    assert all("box_50" in asked.text for asked in again)
    assert len(again) == 1


def test_when_every_group_fails_the_page_does(inbox: Path, tmp_path: Path) -> None:
    """With what the first said; there is no record of nothing."""
    with model_server(lambda _: Answer(text="no")) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, wide_schema(150)))
    assert states() == {"a.pdf": ("quarantined", "invalid_answer")}


def test_a_group_of_nothing_is_an_answer_and_nothing_at_all_is_none(inbox: Path, tmp_path: Path) -> None:
    """A form's empty sections are null; a form without anything is an empty answer, asked for twice."""
    schema = wide_schema(150)
    record, path = record_of(schema), written(tmp_path, schema)
    empty = {name: dict.fromkeys(boxes) for name, boxes in record.items()}
    half = {name: record[name] if name <= "section_5" else empty[name] for name in record}
    with model_server(lambda asked: says(projected(half, asked_schema(asked)))) as server:
        run(inbox, server.base_url, schema_name=path)
        assert (states(), kept(), len(server.asked)) == ({"a.pdf": ("complete", None)}, half, 4)
        server.script = lambda asked: says(projected(empty, asked_schema(asked)))
        run(inbox, server.base_url, schema_name=path, model="other", store="sqlite:///other.db")
    assert rows("select kind from extractions", store="other.db") == [("empty_answer",)]


def test_a_fault_goes_back_to_its_own_group(inbox: Path, tmp_path: Path) -> None:
    """One bad value is asked for again with its group; what stays refused is null, and told, and nothing else is."""
    schema = wide_schema(150)
    schema["properties"]["section_2"]["properties"]["box_20"] = {"type": ["string", "null"], "format": "date"}
    record = record_of(schema)
    with model_server(lambda asked: answers(record, asked)) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
    (repair,) = [asked for asked in server.asked if asked.is_repair]
    assert len(server.asked) == 4 + 1
    assert "box_20" in asked_schema(repair)["properties"]["section_2"]["properties"]
    assert "section_2.box_20:" in repair.text
    assert states() == {"a.pdf": ("partial", "refused_value")}
    record["section_2"]["box_20"] = None
    assert kept() == record


def test_a_pydantic_model_is_judged_as_a_whole(inbox: Path, tmp_path: Path) -> None:
    """Its types, its required fields and a rule over fields of two groups, whose faults go back to both."""
    fields = "\n".join(f"    amount_{number}: Money | None = None" for number in range(1, 130))
    path = tmp_path / "sheet.py"
    path.write_text(
        "from pydantic import model_validator\n\n"
        "from schemas.fields import Money\nfrom schemas.record import Record\n\n\n"
        f"class Sheet(Record):\n    number: str\n{fields}\n\n"
        "    @model_validator(mode='after')\n    def is_whole(self):\n"
        "        if self.amount_1 != self.amount_129:\n            raise ValueError('amount_129 is amount_1 again')\n"
        "        return self\n",
        "utf-8",
    )
    record = {"number": "7", **{f"amount_{number}": f"{number}.50" for number in range(1, 130)}}

    def script(asked: Asked) -> Answer:
        last = "1.50" if asked.is_repair else "129.50"
        return says(projected({**record, "amount_129": last}, asked_schema(asked)))

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=f"{path}:Sheet")
    assert states() == {"a.pdf": ("complete", None)}
    assert kept() == {**record, "amount_129": "1.50"}
    assert all("amount_129 is amount_1 again" in asked.text for asked in server.asked if asked.is_repair)


def test_what_a_group_says_of_other_groups_fields_does_not_count(inbox: Path, tmp_path: Path) -> None:
    """It was not asked; a name that no field has is refused as ever."""
    schema = wide_schema(150)
    record = record_of(schema)

    def script(asked: Asked) -> Answer:
        right = projected(record, asked_schema(asked))
        others = {name: dict.fromkeys(boxes, "made up") for name, boxes in record.items() if name not in right}
        return says({**right, **others, **({} if asked.is_repair else {"unknown": 1})})

    schema["additionalProperties"] = False
    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
    assert kept() == record
    assert any("unknown" in asked.text for asked in server.asked if asked.is_repair)


def test_stored_replies_of_groups_are_not_paid_again(inbox: Path, tmp_path: Path) -> None:
    """A run that stops between the groups of one page goes on with those that it lacks."""
    schema = wide_schema(369)
    record, path = record_of(schema), written(tmp_path, schema)

    def stops(asked: Asked) -> Answer:
        if "box_200" in asked.text:
            return Answer(status=402, body=b'{"error": {"message": "Insufficient credits"}}')
        return answers(record, asked)

    with model_server(stops) as server:
        with pytest.raises(EndpointRefused):
            run(inbox, server.base_url, schema_name=path, concurrency=2)
        stored = rows("select count(*) from replies where status = 200")[0][0]
        before = len(server.asked)
        server.script = lambda asked: answers(record, asked)
        run(inbox, server.base_url, schema_name=path)
        anew = server.asked[before:]
    assert 0 < stored < 9
    assert stored + len(anew) == 9
    assert kept() == record


@pytest.mark.parametrize("pages_per_request", [1, 4])
def test_a_cut_off_answer_is_asked_for_in_groups(pages_per_request: int, inbox: Path, tmp_path: Path) -> None:
    """Of a schema with more than one group: after twice the room, and fewer pages, half of its fields each."""
    (inbox / "a.pdf").write_bytes(digital_pdf(["A form", "A form"]))
    schema = wide_schema(90)
    record = record_of(schema)
    with model_server(lambda asked: answers(record, asked, cuts=True)) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema), pages_per_request=pages_per_request)
    assert states() == {"a.pdf": ("complete", None)}
    assert kept() == record
    per_page = [90, 90, 45, 45]
    assert sorted(group_sizes(server.asked)) == sorted(2 * per_page + ([90, 90] if pages_per_request > 1 else []))


def test_a_group_that_is_cut_off_is_cut_once_more(inbox: Path, tmp_path: Path) -> None:
    """A model that cannot take 50 fields is asked for 25; its window only then for fewer pages."""
    (inbox / "a.pdf").write_bytes(digital_pdf(["A form", "A form"]))
    schema = wide_schema(150)
    record = record_of(schema)
    with model_server(lambda asked: answers(record, asked, most=30, cuts=True)) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
    assert states() == {"a.pdf": ("complete", None)}
    assert kept() == record
    assert {len(pages_asked(asked)) for asked in server.asked} == {2}


@pytest.mark.parametrize("records", ["many", "per-page"])
def test_several_records_of_a_wide_schema(records: str, inbox: Path, tmp_path: Path) -> None:
    """Those of one answer are paired as rows are, by their first columns; those of a page are its own."""
    (inbox / "a.pdf").write_bytes(digital_pdf(["Form 1", "Form 2"]))
    schema = wide_schema(150)
    schema["properties"] = {"number": {"type": "string"}, "name": {"type": "string"}, **schema["properties"]}
    schema["required"] += ["number", "name"]
    told = [{"number": str(page), "name": f"Form {page}", **record_of(wide_schema(150))} for page in (1, 2)]

    def script(asked: Asked) -> Answer:
        shown = [told[page - 1] for page in pages_asked(asked)]
        return says(projected({"records": shown} if records == "many" else shown[0], asked_schema(asked)))

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema), records=records)
    assert states() == {"a.pdf": ("complete", None)}
    assert [json.loads(data) for (data,) in rows("select data from records order by ordinal")] == told
    assert max(group_sizes(server.asked)) <= MOST


def test_a_part_of_a_split_file_may_be_wide(inbox: Path, tmp_path: Path) -> None:
    """`--split` looks at the pages as ever, and reads the part in groups."""
    schema = wide_schema(120)
    record = record_of(schema)

    def script(asked: Asked) -> Answer:
        if asked.body["response_format"]["json_schema"]["name"] == "page_kinds":
            return says({"pages": [{"page": 1, "kind": "form", "begins": True}]})
        return answers(record, asked)

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=f"{written(tmp_path, schema)},receipt", split=True)
    assert kept() == record
    assert len(server.asked) == 1 + 3


def test_rows_that_are_missing_are_asked_for_in_their_groups_alone(inbox: Path, tmp_path: Path) -> None:
    """A page whose table the answer left out is asked again: only the groups that ask for rows."""
    listed = transactions(80)
    (inbox / "a.pdf").write_bytes(statement_pdf(listed))
    schema = wide_schema(120)
    row = {name: {"type": ["string", "null"]} for name in ("date", "description", "amount", "balance")}
    schema["properties"]["transactions"] = {"type": "array", "items": {"type": "object", "properties": row}}
    record = record_of(wide_schema(120))

    def script(asked: Asked) -> Answer:
        skipped = 3 if len(pages_asked(asked)) > 1 else 0
        shown = [
            each for page in pages_asked(asked) if page != skipped for each in listed[20 * page - 20 : 20 * page]
        ]
        return says(projected({**record, "transactions": shown}, asked_schema(asked)))

    with model_server(script) as server:
        run(inbox, server.base_url, schema_name=written(tmp_path, schema))
    assert states() == {"a.pdf": ("complete", None)}
    assert kept()["transactions"] == listed
    alone = [asked for asked in server.asked if pages_asked(asked) == [3]]
    assert [list(asked_schema(asked)["properties"])[-1] for asked in alone] == ["transactions"]
    assert "about 20 rows" in alone[0].text


def test_the_bill_of_a_wide_schema_never_exceeds_what_is_told(
    inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever goes wrong (cut, hollow, unreadable, invalid, empty answers), "at most" holds."""
    (inbox / "a.pdf").write_bytes(digital_pdf(2))
    schema, dice, billed = wide_schema(120, columns=60), random.Random(3), Counter[str]()
    path = written(tmp_path, schema)

    def worst(asked: Asked) -> Answer:
        limit, sent = asked.body["max_tokens"], len(asked.text) // 3 + 2_300 * len(asked.images)
        billed.update(sent=sent, answered=limit, calls=1)
        usage = {"prompt_tokens": sent, "completion_tokens": limit}
        kind = dice.choice(("cut", "cut", "cut", "hollow", "unread", "invalid", "empty"))
        if kind == "unread":
            return Answer(body=json.dumps({"said": "what", "usage": usage}).encode())
        text = {"hollow": None, "invalid": '{"section_1": 3, "lines": 7}', "empty": "{}"}.get(
            kind, '{"section_1": "1'
        )
        return Answer(text=text, finish_reason="length" if kind == "cut" else "stop", usage=usage)

    with model_server(worst) as server:
        wishes = ("--base-url", server.base_url, "--model", "m")
        most = estimated(capsys, inbox, path, *wishes)["endpoints"]["custom"]
        main(["extract", str(inbox), "--schema", path, *wishes])
    assert 0 < billed["calls"] <= most["calls_at_most"]
    assert billed["sent"] <= most["input_tokens_at_most"]
    assert billed["answered"] <= most["output_tokens_at_most"]


def test_people_are_told_of_the_groups(inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By `--dry-run` and by `octavo schemas check`."""
    path = written(tmp_path, wide_schema(369))
    assert main(["schemas", "check", path]) == 0
    assert "369 single values are too many for one question: asked in 9 groups" in capsys.readouterr().out
    assert main(["extract", str(inbox), "--schema", path, "--dry-run"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "1 pages in 9 requests" in told
    assert "form has 369 single values: its fields are asked for in 9 groups" in told
    assert len(leaf_paths(wide_schema(369))) == 369
