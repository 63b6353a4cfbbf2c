"""The reference evaluator: what each node means, in Python.

Every adapter gives these answers or refuses. A row is a mapping from field name to plain value; ``values`` is the flat
tuple that parameters point into. The client-side stage of a query and the memory adapter run this code.
"""

from polystore.query.evaluate.aggregates import combination, finished
from polystore.query.evaluate.compute import COMPARISONS, computation, matches, predicate
from polystore.query.evaluate.numbers import decimal_result, number_result
from polystore.query.evaluate.operations import (
    aggregates_in,
    answering,
    assigned,
    change_rows,
    count_rows,
    find_rows,
    finish_groups,
    group_rows,
    select_rows,
    value_of_field,
)
from polystore.query.evaluate.run import Row, Run, Values
from polystore.query.evaluate.sets import read_rows

__all__ = [
    "COMPARISONS",
    "Row",
    "Run",
    "Values",
    "aggregates_in",
    "answering",
    "assigned",
    "change_rows",
    "combination",
    "computation",
    "count_rows",
    "decimal_result",
    "find_rows",
    "finish_groups",
    "finished",
    "group_rows",
    "matches",
    "number_result",
    "predicate",
    "read_rows",
    "select_rows",
    "value_of_field",
]
