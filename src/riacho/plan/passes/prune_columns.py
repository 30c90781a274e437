"""Fields that nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from riacho.plan.expressions import AggregateCall, Column, Expression, columns_used, remap
from riacho.plan.relations import (
    Aggregate,
    Deduplicate,
    Expand,
    Filter,
    GroupingSet,
    Interval,
    Join,
    JoinKind,
    JoinTime,
    Materialize,
    Normalize,
    Over,
    Project,
    Rank,
    Relation,
    Replicate,
    Scan,
    Sink,
    Sort,
    Union,
    Unnest,
    Values,
    VersionedView,
    Versions,
    Watermark,
    WindowAggregate,
    WindowRank,
    WindowTable,
)

Fields = frozenset[int]

Moves = dict[int, int]
"""Where each field that is still there went: old index to new."""


def prune_columns(relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
    """Read and compute only the fields that the results need.

    ```sql
    SELECT a FROM (SELECT a, b + 1 AS c FROM t)
    -- Scan(t, fields=[a])
    ```

    A join gives out the fields that are read above it; those that only its condition reads end there. So does UNNEST,
    or a long array would be copied for each of its elements.

    A step that several queries share keeps what any of them needs, so that it stays one step: a table is read once.
    Every step keeps one field at least, since rows without fields could not be counted.
    """
    needs: dict[Relation, Fields] = {}
    while True:
        # What one step needs more changes what is needed below it, until nothing grows.
        pruning = _Pruning(needs)
        pruned = tuple(pruning.root(relation) for relation in relations)
        if pruning.uses == needs:
            return pruned
        needs = pruning.uses


def _exactly(relation: Relation, moves: Moves, fields: list[int], names: tuple[str, ...]) -> Relation:
    """Just these of the old fields, in this order, under these names."""
    if [moves[index] for index in fields] == list(range(len(relation.schema))) and relation.schema.names == names:
        return relation
    return Project(relation, tuple(relation.schema.column(moves[index]) for index in fields), names)


@dataclass(slots=True)
class _Pruning:
    """One round. `at_least` are the fields that each step keeps, `uses` those that this round needed."""

    at_least: Mapping[Relation, Fields]
    uses: dict[Relation, Fields] = field(default_factory=dict)

    def root(self, relation: Relation) -> Relation:
        """A whole plan, whose result keeps all its fields."""
        if isinstance(relation, Sink):
            return replace(relation, input=self.root(relation.input))
        everything = frozenset(range(len(relation.schema)))
        pruned, moves = self.prune(relation, everything)
        return _exactly(pruned, moves, sorted(everything), relation.schema.names)

    def prune(self, relation: Relation, needed: Fields) -> tuple[Relation, Moves]:
        """The relation with `needed` and as few others as possible."""
        needed = (needed | self.at_least.get(relation, frozenset())) or frozenset((0,))
        self.uses[relation] = self.uses.get(relation, frozenset()) | needed
        return self._prune(relation, needed)

    def _prune(self, relation: Relation, needed: Fields) -> tuple[Relation, Moves]:
        match relation:
            case Scan():
                return self._scan(relation, needed)
            case Project():
                return self._project(relation, needed)
            case Filter():
                below, moves = self.prune(relation.input, needed | columns_used(relation.predicate))
                return Filter(below, remap(relation.predicate, moves.__getitem__)), moves
            case Watermark():
                used = needed | {relation.column} | columns_used(relation.expression)
                below, moves = self.prune(relation.input, used)
                expression = remap(relation.expression, moves.__getitem__)
                return replace(relation, input=below, column=moves[relation.column], expression=expression), moves
            case Normalize():
                below, moves = self.prune(relation.input, needed | set(relation.key))
                return replace(relation, input=below, key=tuple(moves[index] for index in relation.key)), moves
            case Materialize():
                return self._materialize(relation, needed)
            case WindowTable():
                return self._window_table(relation, needed)
            case Expand():
                return self._expand(relation, needed)
            case Aggregate():
                return self._aggregate(relation, needed)
            case WindowAggregate():
                return self._window_aggregate(relation, needed)
            case Over():
                return self._over(relation, needed)
            case Rank() | WindowRank():
                return self._rank(relation, needed)
            case Sort():
                below, moves = self.prune(relation.input, needed | {key.column for key in relation.order})
                order = tuple(replace(key, column=moves[key.column]) for key in relation.order)
                return replace(relation, input=below, order=order), moves
            case Deduplicate() | VersionedView():
                below, moves = self.prune(relation.input, needed | set(relation.key) | {relation.time})
                key = tuple(moves[index] for index in relation.key)
                return replace(relation, input=below, key=key, time=moves[relation.time]), moves
            case Join():
                return self._join(relation, needed)
            case Unnest():
                return self._unnest(relation, needed)
            case Union():
                return self._union(relation, needed)
            case Replicate():
                below, moves = self.prune(relation.input, needed | {len(relation.schema)})
                del moves[len(relation.schema)]
                return Replicate(below), moves
            case Values():
                return relation, {index: index for index in range(len(relation.schema))}
        raise AssertionError(f"{type(relation).__name__} cannot be pruned")

    def _scan(self, scan: Scan, needed: Fields) -> tuple[Relation, Moves]:
        kept = sorted(needed)
        pruned = replace(scan, fields=tuple(scan.fields[index] for index in kept))
        return pruned, _moves(kept)

    def _project(self, project: Project, needed: Fields) -> tuple[Relation, Moves]:
        kept = sorted(needed)
        expressions = [project.expressions[index] for index in kept]
        below, moves = self.prune(project.input, columns_used(*expressions))
        moved = tuple(remap(expression, moves.__getitem__) for expression in expressions)
        return Project(below, moved, tuple(project.names[index] for index in kept)), _moves(kept)

    def _materialize(self, materialize: Materialize, needed: Fields) -> tuple[Relation, Moves]:
        below, moves = self.prune(materialize.input, needed | {key.column for key in materialize.order})
        order = tuple(replace(key, column=moves[key.column]) for key in materialize.order)
        return replace(materialize, input=below, order=order), moves

    def _window_table(self, window: WindowTable, needed: Fields) -> tuple[Relation, Moves]:
        width = len(window.input.schema)
        used = frozenset(index for index in needed if index < width) | {window.time_column, *window.partition}
        below, moves = self.prune(window.input, used)
        partition = tuple(moves[index] for index in window.partition)
        pruned = replace(window, input=below, time_column=moves[window.time_column], partition=partition)
        ends = {width + place: len(below.schema) + place for place in range(3)}
        return pruned, {**moves, **ends}

    def _expand(self, expand: Expand, needed: Fields) -> tuple[Relation, Moves]:
        width = len(expand.input.schema)
        below, moves = self.prune(expand.input, frozenset(index for index in needed if index < width))
        sets = tuple(
            GroupingSet(frozenset(moves[index] for index in item.nulled if index in moves), item.id)
            for item in expand.sets
        )
        return replace(expand, input=below, sets=sets), {**moves, width: len(below.schema)}

    def _aggregate(self, aggregate: Aggregate, needed: Fields) -> tuple[Relation, Moves]:
        keys = len(aggregate.keys)
        kept = [place for place in range(len(aggregate.calls)) if keys + place in needed]
        if not keys and not kept:
            kept = [0]
        calls = [aggregate.calls[place] for place in kept]
        below, moves = self.prune(aggregate.input, frozenset(aggregate.keys) | _read_by(calls))
        fields = [*range(keys), *(keys + place for place in kept)]
        pruned = replace(
            aggregate,
            input=below,
            keys=tuple(moves[key] for key in aggregate.keys),
            calls=tuple(_remap_call(call, moves) for call in calls),
            names=tuple(aggregate.names[index] for index in fields),
        )
        return pruned, _moves(fields)

    def _window_aggregate(self, window: WindowAggregate, needed: Fields) -> tuple[Relation, Moves]:
        keys, first = len(window.keys), len(window.keys) + len(window.calls)
        kept = [place for place in range(len(window.calls)) if keys + place in needed]
        calls = [window.calls[place] for place in kept]
        below, moves = self.prune(window.input, frozenset(window.keys) | _read_by(calls) | {window.time_column})
        fields = [*range(keys), *(keys + place for place in kept), *range(first, len(window.names))]
        pruned = replace(
            window,
            input=below,
            time_column=moves[window.time_column],
            keys=tuple(moves[key] for key in window.keys),
            calls=tuple(_remap_call(call, moves) for call in calls),
            names=tuple(window.names[index] for index in fields),
        )
        return pruned, _moves(fields)

    def _over(self, over: Over, needed: Fields) -> tuple[Relation, Moves]:
        width = len(over.input.schema)
        kept = [place for place in range(len(over.calls)) if width + place in needed] or [0]
        calls = [over.calls[place] for place in kept]
        used = frozenset(index for index in needed if index < width) | _read_by(calls)
        below, moves = self.prune(over.input, used | set(over.partition) | {key.column for key in over.order})
        pruned = replace(
            over,
            input=below,
            partition=tuple(moves[index] for index in over.partition),
            order=tuple(replace(key, column=moves[key.column]) for key in over.order),
            calls=tuple(_remap_call(call, moves) for call in calls),
            names=tuple(over.names[place] for place in kept),
        )
        return pruned, {**moves, **{width + old: len(below.schema) + new for new, old in enumerate(kept)}}

    def _rank(self, rank: Rank | WindowRank, needed: Fields) -> tuple[Relation, Moves]:
        width = len(rank.input.schema)
        used = frozenset(index for index in needed if index < width) | {key.column for key in rank.order}
        if isinstance(rank, WindowRank):
            used |= {rank.window_end}
        below, moves = self.prune(rank.input, used | set(rank.partition))
        pruned = replace(
            rank,
            input=below,
            partition=tuple(moves[index] for index in rank.partition),
            order=tuple(replace(key, column=moves[key.column]) for key in rank.order),
            number=rank.number if width in needed else None,
        )
        if isinstance(pruned, WindowRank):
            pruned = replace(pruned, window_end=moves[pruned.window_end])
        return pruned, {**moves, width: len(below.schema)} if pruned.number is not None else moves

    def _join(self, join: Join, needed: Fields) -> tuple[Relation, Moves]:
        width = len(join.left.schema)
        used = frozenset(index for index in needed if index < width or join.kind.emits_right)
        if join.residual is not None:
            used |= columns_used(join.residual)
        left_used = frozenset(index for index in used if index < width) | set(join.left_keys)
        right_used = frozenset(index - width for index in used if index >= width) | set(join.right_keys)
        if isinstance(join.time, Interval | Versions):
            left_used |= {join.time.left_time}
            right_used |= {join.time.right_time}
        left, left_moves = self.prune(join.left, left_used)
        right, right_moves = self.prune(join.right, right_used)
        new_width = len(left.schema)
        moves = {**left_moves, **{old + width: new + new_width for old, new in right_moves.items()}}
        emitted = {**moves} if join.kind.emits_right else {**left_moves}
        if join.kind is JoinKind.MARK:
            emitted[width] = new_width
        given = None
        if type(join) is Join and join.time is None:
            given = tuple(sorted(emitted[index] for index in needed))
            emitted = {old: given.index(new) for old, new in emitted.items() if old in needed}
        origins = {new: old for old, new in emitted.items()}
        pruned = replace(
            join,
            given=given,
            left=left,
            right=right,
            left_keys=tuple(left_moves[key] for key in join.left_keys),
            right_keys=tuple(right_moves[key] for key in join.right_keys),
            residual=None if join.residual is None else remap(join.residual, moves.__getitem__),
            time=_moved_time(join.time, left_moves, right_moves),
            names=tuple(join.names[origins[index]] for index in range(len(origins))),
        )
        return pruned, emitted

    def _unnest(self, unnest: Unnest, needed: Fields) -> tuple[Relation, Moves]:
        width = len(unnest.input.schema)
        condition = unnest.condition
        asked = frozenset[int]() if condition is None else columns_used(condition)
        used = frozenset(index for index in needed | asked if index < width) | columns_used(unnest.collection)
        below, moves = self.prune(unnest.input, used)
        added = range(width, len(unnest.schema))
        moved = {**moves, **{old: len(below.schema) + place for place, old in enumerate(added)}}
        given = sorted(index for index in needed if index < width)
        pruned = replace(
            unnest,
            input=below,
            collection=remap(unnest.collection, moves.__getitem__),
            condition=None if condition is None else remap(condition, moved.__getitem__),
            given=tuple(moves[index] for index in given),
        )
        return pruned, _moves([*given, *added])

    def _union(self, union: Union, needed: Fields) -> tuple[Relation, Moves]:
        kept = sorted(needed)
        branches = []
        for branch in union.branches:
            pruned, moves = self.prune(branch, needed)
            names = tuple(branch.schema.names[index] for index in kept)
            branches.append(_exactly(pruned, moves, kept, names))
        return Union(tuple(branches)), _moves(kept)


def _moved_time(time: JoinTime | None, left: Moves, right: Moves) -> JoinTime | None:
    if not isinstance(time, Interval | Versions):
        return time
    return replace(time, left_time=left[time.left_time], right_time=right[time.right_time])


def _moves(kept: list[int]) -> Moves:
    return {old: new for new, old in enumerate(kept)}


def _read_by(calls: list[AggregateCall]) -> Fields:
    columns: list[Expression] = [argument for call in calls for argument in call.arguments]
    columns += [call.filter for call in calls if call.filter is not None]
    return columns_used(*columns)


def _remap_call(call: AggregateCall, moves: Moves) -> AggregateCall:
    def move(column: Column) -> Column:
        return replace(column, index=moves[column.index])

    return replace(
        call,
        arguments=tuple(move(argument) for argument in call.arguments),
        filter=None if call.filter is None else move(call.filter),
    )
