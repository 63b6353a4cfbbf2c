"""Generated loaders and dumpers: one function for each model, projection and store.

A loader turns a driver's rows into instances, dicts, tuples or single values in one loop without any lookup that could
be done beforehand. Instances are built through the slots of pydantic's ``BaseModel``, never validated again.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from weakref import ref

from msgspec import Struct
from pydantic import BaseModel

from polystore.adapters.base import Source
from polystore.query.stages import Form
from polystore.schema.model import FieldInfo
from polystore.schema.plain import from_plain, to_plain

Convert: TypeAlias = Callable[[Any], Any]
Loader: TypeAlias = Callable[..., list[Any]]
"""Takes rows; a second argument, the values of the query, is allowed so that a loader finishes a plan by itself."""
Dumper: TypeAlias = Callable[[Mapping[str, Any]], tuple[Any, ...]]

SLOTS: dict[str, Any] = {
    "new": object.__new__,
    "set_dict": BaseModel.__dict__["__dict__"].__set__,
    "set_fields": BaseModel.__dict__["__pydantic_fields_set__"].__set__,
    "set_extra": BaseModel.__dict__["__pydantic_extra__"].__set__,
    "set_private": BaseModel.__dict__["__pydantic_private__"].__set__,
}
"""What builds an instance of pydantic's ``BaseModel`` without its constructor, as names for generated functions."""


class Origin(Struct, frozen=True):
    """Where loaded instances come from: the store's name, and how to read their containers again.

    An instance keeps ``(origin, raw, raw, ...)`` with one raw value for each of ``names``.
    """

    store: str
    names: tuple[str, ...] = ()
    loads: tuple[Convert | None, ...] = ()


def compose(first: Convert | None, second: Convert | None) -> Convert | None:
    """Both conversions, one after the other; None stands for no change."""
    if first is None or second is None:
        return first or second
    outer, inner = second, first
    return lambda value: outer(inner(value))


def build_loader(
    form: Form,
    fields: Sequence[FieldInfo],
    sources: Sequence[Source],
    *,
    model: type[Any] | None = None,
    store: str = "",
    rich: bool = True,
    wider: bool = False,
) -> Loader:
    """The loader of rows.

    Args:
        form: what rows become.
        fields: the selected fields, one for each source.
        sources: where their values stand and how they become plain.
        model: the class of the instances.
        store: the store's name, kept with the instances.
        rich: whether plain values become rich ones.
        wider: whether rows may have more columns than there are sources.
    """
    converts = [
        compose(source.load, from_plain(field.kind) if rich else None)
        for field, source in zip(fields, sources, strict=True)
    ]
    writer = _Writer(fields, sources, converts, wider)
    match form:
        case "values":
            body = writer.display("{", [f"{field.name!r}: " for field in fields], "}")
            return writer.comprehension(body)
        case "tuples":
            return writer.comprehension(writer.display("(", [""] * len(fields), ",)"))
        case "named":
            row = namedtuple("Row", [field.name for field in fields])  # type: ignore[misc]  # named by the caller
            writer.scope["named"] = row._make
            return writer.comprehension(writer.display("named((", [""] * len(fields), ",))"))
        case "flat":
            return writer.comprehension(writer.values[0])
        case "models":
            assert model is not None
            return writer.instances(model, store)


def build_dumper(fields: Sequence[FieldInfo], dumps: Sequence[Convert | None]) -> Dumper:
    """The function from an instance's validated values to the row that the store takes."""
    scope: dict[str, Any] = {}
    parts = []
    for position, (field, dump) in enumerate(zip(fields, dumps, strict=True)):
        plain, stored = to_plain(field.kind), f"d[{field.name!r}]"
        if plain is None and dump is None:
            parts.append(stored)
            continue
        converted = "v"
        for name, convert in ((f"plain{position}", plain), (f"dump{position}", dump)):
            if convert is not None:
                scope[name] = convert
                converted = f"{name}({converted})"
        parts.append(f"None if (v := {stored}) is None else {converted}")
    return _define(f"def made(d):\n    return ({', '.join(parts)},)\n", scope)


class _Writer:
    """Writes the source of a loader."""

    def __init__(
        self, fields: Sequence[FieldInfo], sources: Sequence[Source], converts: Sequence[Convert | None], wider: bool
    ) -> None:
        self.fields = fields
        self.sources = sources
        self.scope: dict[str, Any] = {f"c{i}": convert for i, convert in enumerate(converts) if convert is not None}
        self.unpacked = not wider and [source.key for source in sources] == list(range(len(sources)))
        self.by_name = bool(sources) and isinstance(sources[0].key, str)
        self.target = f"({', '.join(f'v{i}' for i in range(len(sources)))},)" if self.unpacked else "r"
        self.values = [self._value(i) for i in range(len(sources))]

    def _raw(self, position: int) -> str:
        if self.unpacked:
            return f"v{position}"
        key = self.sources[position].key
        return f"r.get({key!r})" if self.by_name else f"r[{key!r}]"

    def _value(self, position: int) -> str:
        raw = self._raw(position)
        if f"c{position}" not in self.scope:
            return raw
        if self.unpacked:
            return f"None if {raw} is None else c{position}({raw})"
        return f"None if (v := {raw}) is None else c{position}(v)"

    def display(self, opening: str, labels: Sequence[str], closing: str) -> str:
        parts = (f"{label}({value})" if " " in value else label + value for label, value in self._labelled(labels))
        return opening + ", ".join(parts) + closing

    def _labelled(self, labels: Sequence[str]) -> zip[tuple[str, str]]:
        return zip(labels, self.values, strict=True)

    def comprehension(self, body: str) -> Loader:
        if self.unpacked and body.replace(" ", "") == self.target.replace(" ", ""):
            return _define(
                "def made(rows, values=None):\n    return list(map(tuple, rows))\n", {"map": map, "tuple": tuple}
            )
        return _define(f"def made(rows, values=None):\n    return [{body} for {self.target} in rows]\n", self.scope)

    def instances(self, model: type[Any], store: str) -> Loader:
        mutable = [i for i, field in enumerate(self.fields) if field.mutable]
        origin = Origin(
            store, tuple(self.fields[i].name for i in mutable), tuple(self.sources[i].load for i in mutable)
        )
        names = {field.name for field in self.fields if field.name in model.__pydantic_fields__}
        shared = names == set(model.__pydantic_fields__) and model.model_config.get("extra") != "allow"
        private = bool(model.__private_attributes__) or model.__pydantic_post_init__ is not None
        self.scope.update(
            SLOTS,
            cls=model,
            names=names,
            set_saved=model.__polystore_saved__.__set__,
            origin=origin,
            saved=(origin,),
        )
        saved = f"(origin, {', '.join(self._raw(i) for i in mutable)},)" if mutable else "saved"
        body = self.display("{", [f"{field.name!r}: " for field in self.fields], "}")
        partial = not {field.name for field in model.__polystore_schema__.fields} <= {f.name for f in self.fields}
        if partial:
            self.scope.update(set_peers=model.__polystore_peers__.__set__, ref=ref)
        lines = [
            "def made(rows, values=None):",
            "    found = []",
            "    append = found.append",
            *(["    peers = []"] if partial else []),
            f"    for {self.target} in rows:",
            "        o = new(cls)",
            f"        set_dict(o, {body})",
            f"        set_fields(o, {'names' if shared else 'names.copy()'})",
            f"        set_extra(o, {'{}' if model.model_config.get('extra') == 'allow' else 'None'})",
            "        set_private(o, None)",
            f"        set_saved(o, {saved})",
            *(["        set_peers(o, peers)", "        peers.append(ref(o))"] if partial else []),
            *(["        o.model_post_init(None)"] if private else []),
            "        append(o)",
            "    return found",
        ]
        return _define("\n".join(lines), self.scope)


def build_instance(model: type[Any], values: dict[str, Any], names: set[str]) -> Any:
    """One instance of values that need no validation (an embedded model read from a store)."""
    instance = SLOTS["new"](model)
    SLOTS["set_dict"](instance, values)
    SLOTS["set_fields"](instance, names)
    SLOTS["set_extra"](instance, {} if model.model_config.get("extra") == "allow" else None)
    SLOTS["set_private"](instance, None)
    if model.__pydantic_post_init__ is not None:
        instance.model_post_init(None)
    return instance


def _define(source: str, scope: dict[str, Any]) -> Callable[..., Any]:
    exec(source, scope)
    made: Callable[..., Any] = scope["made"]
    return made
