"""The harness of the compliance suite: one facade for both colours, a store that counts its commands, rules.

Tests are keyed by capability. What a test needs is declared by the store and must be right, or is not declared and must
be refused with NotSupportedError before any command is sent. Nothing is skipped.
"""

from __future__ import annotations

import asyncio
import functools
import os
import warnings
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar

import pytest

from polystore import Capabilities, Feature, Model, QuerySet, Store
from polystore.adapters.base import (
    Adapter,
    AsyncBackend,
    AsyncStreaming,
    Backend,
    Prepared,
    Streaming,
    SupportsAnalyze,
)
from polystore.errors import NotSupportedError, PolystoreWarning
from polystore.query.operations import Operation
from polystore.query.operators import (
    Aggregate,
    ArithmeticOperator,
    DatePart,
    Function,
    Holding,
    Operator,
    WindowFunction,
)
from polystore.schema.model import Schema
from polystore.testing.report import Report, Verdict

Colour: TypeAlias = Literal["sync", "async"]
Capability: TypeAlias = (
    Feature | Operator | DatePart | ArithmeticOperator | Function | Aggregate | Holding | WindowFunction
)
P = ParamSpec("P")
T = TypeVar("T")

_READS = frozenset(
    [
        "rows",
        "get",
        "get_or_none",
        "first",
        "last",
        "count",
        "exists",
        "aggregate",
        "contains",
        "in_bulk",
        "iterator",
        "refresh_from_db",
        "ping",
        "explain",
    ]
)


# ---- a store that counts its commands


@dataclass(slots=True)
class Counter:
    """How many commands went to the store."""

    commands: int = 0


class CountingBackend:
    """A backend that counts what is executed."""

    def __init__(self, inner: Backend, counter: Counter) -> None:
        self._inner = inner
        self._counter = counter

    def execute(self, command: Any) -> Any:
        self._counter.commands += 1
        return self._inner.execute(command)

    def stream(self, command: Any, size: int) -> Generator[Sequence[Any]]:
        self._counter.commands += 1
        assert isinstance(self._inner, Streaming)
        return self._inner.stream(command, size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class AnalyzingBackend(CountingBackend):
    """The same for a backend that gives account of its plans."""

    def analyze(self, command: Any) -> str:
        inner = self._inner
        assert isinstance(inner, SupportsAnalyze)
        return inner.analyze(command)


class CountingAsyncBackend:
    """The same in the other colour."""

    def __init__(self, inner: AsyncBackend, counter: Counter) -> None:
        self._inner = inner
        self._counter = counter

    async def execute(self, command: Any) -> Any:
        self._counter.commands += 1
        return await self._inner.execute(command)

    def stream(self, command: Any, size: int) -> AsyncGenerator[Sequence[Any]]:
        self._counter.commands += 1
        assert isinstance(self._inner, AsyncStreaming)
        return self._inner.stream(command, size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class CountingAdapter:
    """An adapter whose backends count their commands."""

    def __init__(self, inner: Adapter) -> None:
        self.inner = inner
        self.counter = Counter()

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def check(self, schema: Schema) -> None:
        self.inner.check(schema)

    def compile(self, operation: Operation) -> Prepared:
        return self.inner.compile(operation)

    def connect(self) -> Any:
        backend = self.inner.connect()
        wrapper = AnalyzingBackend if isinstance(backend, SupportsAnalyze) else CountingBackend
        return wrapper(backend, self.counter)

    def connect_async(self) -> Any:
        return CountingAsyncBackend(self.inner.connect_async(), self.counter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


# ---- both colours


class Verbs:
    """The methods of one object, in the colour of its ``Db``; ``rows()`` is the list of a queryset's rows."""

    __slots__ = ("_db", "_target")

    def __init__(self, db: Db, target: Any) -> None:
        self._db = db
        self._target = target

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._db.call, self._target, name)


@dataclass(eq=False, repr=False)
class Db:
    """A store as the tests see it: one way to write a test, two colours to run it in.

    ``db(query).count()`` is ``query.count()`` or ``await query.acount()``. ``given`` puts rows in, ``names`` and
    ``found`` read back which of them a query answers.
    """

    store: Store
    adapter: CountingAdapter
    colour: Colour
    loop: asyncio.AbstractEventLoop | None
    known_gaps: Mapping[str, str]
    report: Report
    needed: set[Capability] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    refused_after: int | None = None
    asked: bool = False
    _content: dict[type[Model], tuple[Any, list[Any]]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.colour} {self.adapter.name}>"

    # what the store declares

    def declares(self, *wanted: Capability) -> bool:
        """Whether the store declares all of these."""
        return declared_by(self.adapter.capabilities).issuperset(wanted)

    def need(self, *wanted: Capability) -> None:
        """From here on the test rests on these: a store that does not declare them must refuse."""
        self.needed.update(wanted)

    def proves(self, *lines: str) -> None:
        """When the test passes, these lines of the capability table are proven (as ``group:name``)."""
        self.proven.update(lines)

    @contextmanager
    def answers(self, line: str) -> Iterator[None]:
        """A part of a test that proves one line: the store answers, or refuses by its own rule before any command."""
        self.refused_after = None
        try:
            yield
        except NotSupportedError as error:
            if self.missing:
                self.proven.add(line)
                raise
            assert not self.refused_after, f"refused only after {self.refused_after} commands: {error}"
            self.refused.add(line)
        else:
            self.proven.add(line)

    @property
    def missing(self) -> list[Capability]:
        """What the test rests on and the store does not declare."""
        wanted = self.needed | ({Feature.ASYNC} if self.colour == "async" and self.asked else set())
        return [each for each in wanted if not self.declares(each)]

    # running

    def __call__(self, target: Any) -> Verbs:
        return Verbs(self, target)

    def call(self, target: Any, name: str, /, *arguments: Any, **named: Any) -> Any:
        """Calls a method in this colour and remembers how many commands a refusal came after."""
        before = self.adapter.counter.commands
        self.asked = True
        if name not in _READS:
            self._content.clear()
        try:
            if self.loop is None:
                return self._call_here(target, name, arguments, named)
            return self.loop.run_until_complete(_call_there(target, name, arguments, named))
        except NotSupportedError:
            self.refused_after = self.adapter.counter.commands - before
            raise

    @staticmethod
    def _call_here(target: Any, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        if name == "rows":
            return list(target)
        answer = getattr(target, name)(*arguments, **named)
        return list(answer) if name == "iterator" else answer

    def run(self, coroutine: Any) -> Any:
        """Runs a coroutine on the loop of the async colour."""
        assert self.loop is not None
        return self.loop.run_until_complete(coroutine)

    # rows

    def clear(self, *models: type[Model]) -> None:
        """Deletes all rows of the models."""
        for model in models:
            self(model.objects.all()).delete()

    def given(self, model: type[T], rows: Sequence[Mapping[str, Any]]) -> list[T]:
        """Makes these the rows of the model and answers their instances."""
        assert issubclass(model, Model)
        held = self._content.get(model)
        if held is not None and held[0] == repr(rows):
            return held[1]
        others = {key: value for key, value in self._content.items() if key is not model}
        self.clear(model)
        made: list[Any] = [model(**row) for row in rows]
        self(model.objects.all()).bulk_create(made)
        self._content = {**others, model: (repr(rows), made)}
        return made

    def names(self, query: QuerySet[Any, Any]) -> list[str]:
        """The names of a query's rows, in order."""
        return [row.name for row in self(query).rows()]

    def found(self, query: QuerySet[Any, Any]) -> str:
        """The names of a query's rows, sorted, in one text: enough for tests that are not about order."""
        return " ".join(sorted(self.names(query)))

    # counting commands

    @contextmanager
    def commands(self, expected: int) -> Iterator[None]:
        """Asserts how many commands the block sends."""
        before = self.adapter.counter.commands
        yield
        sent = self.adapter.counter.commands - before
        assert sent == expected, f"{sent} commands were sent, not {expected}"


async def _call_there(target: Any, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    if name == "rows":
        return target if isinstance(target, list) else await target.alist()
    answer = getattr(target, f"a{name}")(*arguments, **named)
    return [each async for each in answer] if name == "iterator" else await answer


def declared_by(capabilities: Capabilities) -> frozenset[Capability]:
    """All that a store declares."""
    queries = capabilities.operators | capabilities.date_parts | capabilities.arithmetic | capabilities.features
    return queries | capabilities.functions | capabilities.aggregates | capabilities.holdings | capabilities.windows


# ---- rules


@dataclass(frozen=True, slots=True)
class Rule:
    """One test of the suite: the rules it holds a store to, what it rests on, the verbs whose lines fall with it."""

    name: str
    ids: tuple[str, ...]
    needs: tuple[Capability, ...]
    verbs: tuple[str, ...] = ()


RULES: dict[str, Rule] = {}


def rule(
    *ids: str, needs: Sequence[Capability] = (), verbs: Sequence[str] = ()
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Makes a function a test of the suite.

    Its first argument is ``db``. On a store that declares what the test needs the test must pass; on any other it must
    end in a NotSupportedError that came before any command.

    Args:
        ids: the rules of the semantics that the test holds.
        needs: capabilities that the whole test rests on; ``db.need`` adds those of a parameter.
        verbs: lines of the capability table that the test has a part in: they fall when it fails.
    """

    def decorate(test: Callable[P, None]) -> Callable[P, None]:
        made = Rule(getattr(test, "__name__", ""), ids, tuple(needs), tuple(verbs))
        RULES[made.name] = made

        @functools.wraps(test)
        def run(*arguments: P.args, **named: P.kwargs) -> None:
            db = named["db"]
            assert isinstance(db, Db)
            _judge(db, made, lambda: test(*arguments, **named))

        return run

    return decorate


def _judge(db: Db, held: Rule, run: Callable[[], None]) -> None:
    """Runs a test and holds its end against what the store declares and which gaps are known."""
    db.needed, db.proven, db.refused = set(held.needs), set(), set()
    db.refused_after, db.asked = None, False
    gap = _known_gap(db.known_gaps)
    try:
        _run_or_refuse(db, run)
    except (Exception, pytest.fail.Exception):
        db._content.clear()
        db.report.note(held, db, Verdict.GAP if gap else Verdict.FAILED)
        if gap is None:
            raise
        pytest.xfail(gap)
    if gap is not None:
        pytest.fail(f"a known gap is none any more, take it off the list: {gap}", pytrace=False)
    db.report.note(held, db, Verdict.REFUSED if db.missing else Verdict.PROVEN)


def _run_or_refuse(db: Db, run: Callable[[], None]) -> None:
    refusal = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PolystoreWarning)
            run()
    except NotSupportedError as error:
        if not db.missing:
            raise
        refusal = error
    missing = ", ".join(map(str, db.missing))
    if refusal is None:
        assert not missing, f"the store does not declare {missing}, and yet it answers"
    else:
        assert not db.refused_after, f"refused only after {db.refused_after} commands: {refusal}"


def _known_gap(gaps: Mapping[str, str]) -> str | None:
    """The reason of the running test's gap: by its name, or by its name and parameters (``test_x[sync-day]``)."""
    node = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0].rpartition("::")[2]
    return gaps.get(node) or gaps.get(node.partition("[")[0])
