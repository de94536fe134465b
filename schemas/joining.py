"""A node of a JSON schema in one piece: what its `$ref`, its `allOf` and its own keywords say together."""

from typing import Any


class NotPortable(ValueError):
    """A schema that endpoints cannot be asked for; each fault says where and what to change."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Contradiction(NotPortable):
    """Parts of a schema that no value can keep to together."""


def joined(
    node: dict[str, Any], root: dict[str, Any], path: str, refs: tuple[str, ...] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The node without `$ref` and `allOf`, and the refs that lead to it.

    A property that several parts declare is left as an `allOf` of its declarations, for whoever goes down to it.

    Raises:
        NotPortable: a ref leads nowhere or to itself, or the parts contradict each other.
    """
    if "$ref" in node:
        ref = str(node["$ref"])
        if ref in refs:
            raise NotPortable(
                f"{path}: {ref} contains itself; a record has a fixed depth, so unroll the levels needed"
            )
        target, refs = joined(_target(ref, root, path), root, path, (*refs, ref))
        node = _both(target, {key: value for key, value in node.items() if key != "$ref"}, path)
    if "allOf" not in node:
        return node, refs
    own = {key: value for key, value in node.items() if key != "allOf"}
    parts: dict[str, Any] = {}
    reached = list(refs)
    for part in node["allOf"]:
        if isinstance(part, dict):
            whole, seen = joined(part, root, path, refs)
            parts = _both(parts, whole, path)
            reached += [ref for ref in seen if ref not in reached]
    return joined(_both(parts, own, path), root, path, tuple(reached))


def _target(ref: str, root: dict[str, Any], path: str) -> dict[str, Any]:
    target: Any = root
    for step in ref.removeprefix("#").strip("/").split("/") if ref != "#" else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, dict) or name not in target:
            hint = "" if ref.startswith("#") else "; put what it leads to under $defs"
            raise NotPortable(f"{path}: {ref} is not in this schema{hint}")
        target = target[name]
    if not isinstance(target, dict):
        raise NotPortable(f"{path}: {ref} is no schema of an object or value")
    return target


def _both(first: dict[str, Any], second: dict[str, Any], path: str) -> dict[str, Any]:
    """What holds when both hold; the second's description and other remarks win."""
    made = {**first, **second}
    for key in first.keys() & second.keys():
        one, other = first[key], second[key]
        if one == other:
            continue
        if key in {"properties", "x-computed", "$defs", "definitions"}:
            shared = {name: {"allOf": [one[name], other[name]]} for name in one if name in other}
            made[key] = {**one, **other, **{n: both for n, both in shared.items() if one[n] != other[n]}}
        elif key == "required":
            made[key] = list(dict.fromkeys([*one, *other]))
        elif key == "items":
            made[key] = {"allOf": [one, other]}
        elif key == "type":
            made[key] = _common_type(one, other, path)
        elif key == "enum":
            made[key] = [value for value in one if value in other]
        elif key in {"anyOf", "oneOf"}:
            raise NotPortable(f"{path}: several {key} at one place; write the choices out")
    return made


def _common_type(one: Any, other: Any, path: str) -> Any:
    first, second = ([kinds] if isinstance(kinds, str) else list(kinds) for kinds in (one, other))
    common = [kind for kind in first if kind in second]
    if not common and {"integer"} <= {*first, *second} and {"number"} <= {*first, *second}:
        common = ["integer"]
    if not common:
        raise Contradiction(f"{path}: {one} and {other} at once; nothing can be both")
    return common[0] if len(common) == 1 else common
