"""Functions that are called with a wrong keyword say which ones they know."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from polystore.errors import QueryUsageError, suggestion

if TYPE_CHECKING:
    Keyworded = type
else:

    class Keyworded(type):
        """The metaclass of functions and aggregates."""

        def __call__(cls, *arguments: Any, **named: Any) -> Any:
            try:
                return super().__call__(*arguments, **named)
            except TypeError:
                refuse_keywords(cls, named)
                raise


def refuse_keywords(function: type[Any], named: dict[str, Any]) -> None:
    """Refuses the first keyword that a function does not take; positions are Python's own to tell of.

    Raises:
        QueryUsageError: names the keywords that there are.
    """
    parameters = [each for each in inspect.signature(function.__init__).parameters.values() if each.name != "self"]
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return
    known = [each.name for each in parameters if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
    for name in named:
        if name not in known:
            raise QueryUsageError(
                f"{function.__name__}() takes no {name!r}; its keywords are {', '.join(known)}{suggestion(name, known)}"
            ) from None
