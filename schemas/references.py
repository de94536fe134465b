"""Every `$ref` of a schema as a way from its root: by anchors, ids, and other places of its file. Pure."""

from typing import Any
from urllib.parse import unquote

from schemas.subschemas import Steps, at, changed, inside

_BY_NAME = ("$defs", "definitions")


def settled(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema with each `$ref` written as `#/...`, and what it leads to inside it.

    A ref that leads nowhere in the file (another file, a web address) stays as it is, for `portable` to refuse.

    Args:
        schema: of which the refs are.
        document: the file that it stood in, where its refs may lead as well; itself where it is all of the file.
    """
    found = _Found(schema, document)
    made = found.pointed(schema)
    done: set[str] = set()
    while left := [name for name in found.moved if name not in done]:
        for name in left:
            done.add(name)
            found.moved[name] = found.pointed(found.moved[name])
    return {**made, "$defs": {**made.get("$defs", {}), **found.moved}} if found.moved else made


class _Found:
    """The places of one file that refs may lead to; `moved` are those that had to be brought into the schema."""

    def __init__(self, schema: dict[str, Any], document: dict[str, Any]) -> None:
        self.schema, self.document = schema, document
        self.moved: dict[str, Any] = {}
        self._names: dict[Steps, str] = {}
        self._ids: dict[str, Steps] = {}
        self._anchors: dict[str, Steps] = {}
        for steps, node in inside(schema):
            for key in ("$id", "id"):
                name = node.get(key)
                if isinstance(name, str) and name.startswith("#"):
                    self._anchors.setdefault(name[1:], steps)
                elif isinstance(name, str):
                    self._ids.setdefault(name.rstrip("#"), steps)
            if isinstance(node.get("$anchor"), str):
                self._anchors.setdefault(node["$anchor"], steps)

    def pointed(self, node: Any) -> Any:
        """The node with its refs settled, and those of all schemas in it."""
        if not isinstance(node, dict):
            return node
        made = changed(node, lambda _, child: self.pointed(child))
        return {**made, "$ref": self._ref(made["$ref"])} if isinstance(made.get("$ref"), str) else made

    def _ref(self, ref: str) -> str:
        for steps in self._ways(unquote(ref)):
            if not steps:
                return "#"
            # Who follows a ref later walks through objects only: what stands in a list is brought to a place by name.
            if (
                isinstance(at(self.schema, steps), dict)
                and _is_place(self.schema, steps)
                and _by_names(self.schema, steps)
            ):
                return _pointer(steps)
            for whole in (self.schema, self.document):
                if isinstance(at(whole, steps), dict):
                    return _pointer(("$defs", self._moved(steps, at(whole, steps))))
        return ref

    def _ways(self, ref: str) -> list[Steps]:
        """Where a ref may lead, the surest way first."""
        base, _, rest = ref.partition("#")
        inner = _steps(rest)
        if not base:
            return [inner, *([self._anchors[rest]] if rest in self._anchors else [])]
        named = [steps for name, steps in self._ids.items() if base in {name, name.rpartition("/")[2]}]
        if len(named) == 1:
            return [(*named[0], *inner)]
        return [_steps(base), *((key, base) for key in _BY_NAME)] if not rest else []

    def _moved(self, steps: Steps, node: dict[str, Any]) -> str:
        if steps not in self._names:
            taken = {*self.schema.get("$defs", {}), *self.moved}
            name = steps[-1]
            while name in taken:
                name += "_"
            self._names[steps] = name
            self.moved[name] = node
        return self._names[steps]


def _steps(pointer: str) -> Steps:
    return tuple(
        step.replace("~1", "/").replace("~0", "~") for step in pointer.strip("/").split("/") if pointer.strip("/")
    )


def _pointer(steps: Steps) -> str:
    return "#/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)


def _by_names(schema: dict[str, Any], steps: Steps) -> bool:
    """Whether no step on the way leads into a list."""
    return all(isinstance(at(schema, steps[:length]), dict) for length in range(len(steps)))


def _is_place(schema: dict[str, Any], steps: Steps) -> bool:
    """Whether a schema stands there by the keywords that lead there."""
    return any(place == steps for place, _ in inside(schema))
