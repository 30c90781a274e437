"""From a parsed expression to the plan's: names become columns, operators and functions typed calls, casts explicit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.plan.expressions import Cast, Column, Expression, Literal
from riacho.plan.relations import TimeAttribute
from riacho.plan.types import (
    BOOLEAN,
    STRING,
    BinaryType,
    BooleanType,
    CharType,
    NullType,
    RowType,
    is_interval,
    is_numeric,
)
from riacho.sql.aggregate_calls import bind_aggregate, read_call, user_aggregate
from riacho.sql.aggregates import AggregateCollector
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.functions import FunctionError, bind, bind_case, bind_cast, bind_definition, coerce, is_aggregate
from riacho.sql.grammar import UNIT, WINDOW_FUNCTIONS, TypeName
from riacho.sql.group_windows import AUXILIARY, GroupWindow
from riacho.sql.grouping import GROUPING_FUNCTIONS, grouping_call
from riacho.sql.intervals import interval_of, of_units
from riacho.sql.literals import interval_literal, java_length, number_literal, temporal_literal
from riacho.sql.mixed_comparison import as_first, as_numbers
from riacho.sql.over import OverCollector
from riacho.sql.row_comparison import fields_equal
from riacho.sql.row_fields import field_at
from riacho.sql.scope import Scope, ScopeColumn
from riacho.sql.source import SourceText
from riacho.sql.subqueries import OPPOSITES, SubqueryBinder
from riacho.sql.user_functions import DATABASE, UserFunction, marked
from riacho.user_functions.declarations import Kind

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.DPipe: "||",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.SimilarTo: "SIMILAR TO",
    exp.Like: "LIKE",
}

_REFUSED: dict[type[exp.Expr], str] = {
    exp.Any: "ANY and SOME can only stand at the right of a comparison",
    exp.All: "ALL can only stand at the right of a comparison",
    exp.WithinGroup: "WITHIN GROUP is not supported",
    exp.Alias: "an alias cannot stand here",
    exp.Kwarg: "named arguments are only supported in window table functions",
    exp.Star: "'*' cannot stand here",
    exp.Distinct: "DISTINCT can only stand in an aggregate function",
    exp.Order: "ORDER BY in a function is not supported",
    exp.Limit: "LIMIT in a function is not supported",
    exp.Lambda: "functions of functions are not supported",
}


@dataclass(slots=True)
class ExpressionBinder:
    """Binds the expressions of one clause. `clause` names it in errors.

    Aggregate functions are handed to `aggregates` where the clause may hold them, OVER calls to `over`, and subqueries
    to `subqueries`.
    """

    source: SourceText
    scope: Scope
    clause: str
    aggregates: AggregateCollector | None = None
    over: OverCollector | None = None
    subqueries: SubqueryBinder | None = None
    window: GroupWindow | None = None
    """The window of GROUP BY, about which TUMBLE_START and its like may ask."""

    def bind(self, tree: exp.Expr) -> Expression:
        """The typed expression. Raises `SqlError`."""
        try:
            return self._bind(tree)
        except FunctionError as error:
            place = error.position if error.position is not None else tree
            raise self.source.error(error.what, place, error.mend) from None

    def predicate(self, tree: exp.Expr) -> Expression:
        """The same for a condition, which must be BOOLEAN."""
        bound = self.bind(tree)
        if isinstance(bound.type, NullType):
            return coerce(bound, BOOLEAN)
        if not isinstance(bound.type, BooleanType):
            self.source.fail(f"{self.clause} needs a BOOLEAN, but this is {bound.type.name()}", tree)
        return bound

    def _bind(self, tree: exp.Expr) -> Expression:
        position = self.source.locate(tree)
        kind = type(tree)
        if kind in _OPERATORS:
            if isinstance(tree.args["expression"], exp.Any | exp.All):
                return self._quantified(tree, tree.args["expression"])
            operands = (self.bind(tree.args["this"]), self.bind(tree.args["expression"]))
            if kind is exp.EQ:
                return fields_equal(*operands, position)
            found = bind(_OPERATORS[kind], operands, position)
            return bind("NOT", (found,), position) if tree.args.get("negate") else found
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, tree)
        reason = _REFUSED.get(kind, f"{kind.__name__.upper()} is not supported here")
        raise self.source.error(reason, tree)

    # ---- literals ---------------------------------------------------------------------------------------------

    def _literal(self, tree: exp.Expr) -> Expression:
        position = self.source.locate(tree)
        text = str(tree.this)
        if tree.is_string:
            return Literal(CharType(java_length(text), nullable=False), text, position=position)
        return self._checked(tree, lambda: number_literal(text))

    def _checked(self, tree: exp.Expr, make: Callable[[], Literal]) -> Expression:
        try:
            literal = make()
        except ValueError as error:
            self.source.fail(str(error), tree)
        return Literal(literal.type, literal.value, position=self.source.locate(tree))

    def _bytes(self, tree: exp.Expr) -> Expression:
        def make() -> Literal:
            value = bytes.fromhex(str(tree.this))
            return Literal(BinaryType(len(value), nullable=False), value)

        return self._checked(tree, make)

    def _temporal(self, tree: exp.Expr) -> Expression:
        return self._checked(tree, lambda: temporal_literal(tree.this.name, tree.args["expression"].name))

    def _interval(self, tree: exp.Expr) -> Expression:
        unit = tree.args["unit"].name
        if isinstance(tree.this, exp.Literal) and tree.this.is_string:
            return self._checked(tree, lambda: interval_literal(tree.this.name, unit))
        return interval_of(self.bind(tree.this), unit, self.source.locate(tree))

    def _boolean(self, tree: exp.Expr) -> Expression:
        value = tree.this  # None is UNKNOWN
        return Literal(BOOLEAN.with_nullable(value is None), value, position=self.source.locate(tree))

    def _null(self, tree: exp.Expr) -> Expression:
        return Literal(NullType(), None, position=self.source.locate(tree))

    def _typed_null(self, tree: exp.Expr) -> Expression:
        assert isinstance(tree, TypeName)
        return Literal(tree.data_type.with_nullable(True), None)

    def _negative(self, tree: exp.Expr) -> Expression:
        operand = tree.this
        if isinstance(operand, exp.Literal) and not operand.is_string:
            literal = self._checked(operand, lambda: number_literal(str(operand.this), negative=True))
            assert isinstance(literal, Literal)
            return Literal(literal.type, literal.value, position=self.source.locate(tree))
        return bind("-", (self.bind(operand),), self.source.locate(tree))

    # ---- names ------------------------------------------------------------------------------------------------

    def _column(self, tree: exp.Expr) -> Expression:
        parts = [part for part in (tree.args.get(key) for key in ("catalog", "db", "table", "this")) if part]
        if isinstance(parts[-1], exp.Star):
            self.source.fail("'*' cannot stand here", tree)
        return self._path(tree, parts)

    def _dot(self, tree: exp.Expr) -> Expression:
        field = tree.args["expression"]
        if isinstance(field, exp.Anonymous):
            if marked(field) is None:
                self.source.fail(
                    f"there is no function {_dotted(tree)}", tree, "SHOW USER FUNCTIONS lists those there are"
                )
            return self.bind(field)
        if not isinstance(field, exp.Identifier):
            self.source.fail("only a field can stand after the dot", tree)
        return self._field(self.bind(tree.this), field)

    def named(self, tree: exp.Expr, parts: list[exp.Expr]) -> Expression | None:
        """The column that a name means here or in a query around; None where there is none."""
        if parts[0].name in self.scope.tables or self.scope.named(parts[0].name):
            return self._path(tree, parts)
        return None if self.scope.outer is None else self.scope.outer.find(tree, parts)

    def _path(self, tree: exp.Expr, parts: list[exp.Expr]) -> Expression:
        names = [part.name for part in parts]
        if len(parts) > 1 and names[0] in self.scope.tables:
            found = [column for column in self.scope.of_table(names[0]) if column.name == names[1]]
            if not found:
                known = [column.name for column in self.scope.of_table(names[0])]
                self._unknown(f"table '{names[0]}' has no column '{names[1]}'", parts[1], names[1], known)
            rest = parts[2:]
        else:
            found = self.scope.named(names[0])
            if not found:
                around = None if self.scope.outer is None else self.scope.outer.find(tree, parts)
                if around is not None:
                    return around
                self._unknown_name(parts)
            rest = parts[1:]
        if len(found) > 1:
            tables = [column.table for column in found if column.table]
            hint = f"write {' or '.join(f'{table}.{found[0].name}' for table in tables)}" if len(tables) > 1 else None
            if any(column.repeated for column in found):
                hint = "give one of the two another name"
            self.source.fail(f"column '{found[0].name}' is ambiguous", parts[0], hint)
        bound: Expression = self.column(found[0], tree)
        for field in rest:
            bound = self._field(bound, field)
        return bound

    def column(self, column: ScopeColumn, tree: exp.Expr) -> Column:
        """The expression that reads a visible column."""
        field = self.scope.field(column)
        return Column(field.type, column.index, column.name, position=self.source.locate(tree))

    def _unknown_name(self, parts: list[exp.Expr]) -> None:
        names = [part.name for part in parts]
        visible = [column.name for column in self.scope.columns if not column.merged]
        if len(parts) > 1:
            tables = self.scope.tables
            hint = did_you_mean(names[0], tables) or f"the tables are {listed(tables)}"
            self.source.fail(f"there is no table or row '{names[0]}' in FROM", parts[0], hint if tables else None)
        self._unknown(f"column '{names[0]}' does not exist", parts[0], names[0], visible)

    def _unknown(self, what: str, place: exp.Expr, name: str, known: list[str] | tuple[str, ...]) -> None:
        fallback = f"the columns are {listed(known)}" if known else "there is no table in FROM"
        self.source.fail(what, place, did_you_mean(name, known) or fallback)

    def _field(self, row: Expression, field: exp.Expr) -> Expression:
        position = self.source.locate(field)
        if not isinstance(row.type, RowType):
            self.source.fail(f"{row} is {row.type.name()}, which has no field '{field.name}'", field)
        names = [item.name for item in row.type]
        if field.name not in names:
            self._unknown(f"{row} has no field '{field.name}'", field, field.name, names)
        name = Literal(CharType(len(field.name), nullable=False), field.name)
        return bind("FIELD", (row, name), position)

    # ---- operators and calls ----------------------------------------------------------------------------------

    def _paren(self, tree: exp.Expr) -> Expression:
        return self.bind(tree.this)

    def _element(self, tree: exp.Expr) -> Expression:
        if len(tree.expressions) != 1:
            self.source.fail("expected one index or key between the brackets", tree)
        holder, index = self.bind(tree.this), self.bind(tree.expressions[0])
        if isinstance(holder.type, RowType):
            return self._field(holder, field_at(holder.type, index, tree.expressions[0]))
        return bind("ITEM", (holder, index), self.source.locate(tree))

    def _connective(self, tree: exp.Expr) -> Expression:
        name = "AND" if isinstance(tree, exp.And) else "OR"
        operands = tuple(self.bind(part.unnest() if isinstance(part, exp.Paren) else part) for part in tree.flatten())
        return bind(name, operands, self.source.locate(tree))

    def _not(self, tree: exp.Expr) -> Expression:
        return bind("NOT", (self.bind(tree.this),), self.source.locate(tree))

    def _escape(self, tree: exp.Expr) -> Expression:
        pattern, position = tree.this, self.source.locate(tree)
        if not isinstance(pattern, exp.Like | exp.SimilarTo) or tree.args.get("expression") is None:
            self.source.fail("ESCAPE needs a character in single quotes, after LIKE or SIMILAR TO", tree)
        parts = (pattern.args["this"], pattern.args["expression"], tree.args["expression"])
        found = bind(_OPERATORS[type(pattern)], tuple(self.bind(part) for part in parts), position)
        return bind("NOT", (found,), position) if pattern.args.get("negate") else found

    def _between(self, tree: exp.Expr) -> Expression:
        name = "BETWEEN SYMMETRIC" if tree.args.get("symmetric") else "BETWEEN"
        operands = tuple(self.bind(tree.args[key]) for key in ("this", "low", "high"))
        return bind(name, as_numbers(operands), self.source.locate(tree))

    def _in(self, tree: exp.Expr) -> Expression:
        if tree.args.get("query") is not None:
            return self._asked(tree).compared("=", tree.this, tree.args["query"], self)
        operands = (self.bind(tree.this), *(self.bind(item) for item in tree.expressions))
        return bind("IN", as_first(operands), self.source.locate(tree))

    def _asked(self, tree: exp.Expr) -> SubqueryBinder:
        if self.subqueries is None:
            self.source.fail(f"a subquery cannot stand in {self.clause}", tree, "join it in FROM")
        return self.subqueries

    def _exists(self, tree: exp.Expr) -> Expression:
        return self._asked(tree).exists(tree, self)

    def _scalar(self, tree: exp.Expr) -> Expression:
        return self._asked(tree).scalar(tree, self)

    def _quantified(self, tree: exp.Expr, right: exp.Expr) -> Expression:
        """A comparison with ANY, SOME or ALL of a query's rows."""
        operator = _OPERATORS[type(tree)]
        if operator not in OPPOSITES or not isinstance(right.this, exp.Query):
            self.source.fail("ANY, SOME and ALL take a query, after a comparison", right)
        asked = self._asked(tree)
        if isinstance(right, exp.Any):
            return asked.compared(operator, tree.this, right.this, self)
        opposite = asked.compared(OPPOSITES[operator], tree.this, right.this, self)
        return bind("NOT", (opposite,), self.source.locate(tree))

    def _case(self, tree: exp.Expr) -> Expression:
        position = self.source.locate(tree)
        subject = tree.args.get("this")
        branches = []
        for branch in tree.args["ifs"]:
            if subject is None:
                condition = self.bind(branch.this)
            else:
                operands = (self.bind(subject), self.bind(branch.this))
                condition = bind("=", operands, self.source.locate(branch.this))
            branches.append((condition, self.bind(branch.args["true"])))
        default = tree.args.get("default")
        return bind_case(tuple(branches), None if default is None else self.bind(default), position)

    def _cast(self, tree: exp.Expr) -> Expression:
        target = tree.args["to"]
        assert isinstance(target, TypeName)
        lenient = isinstance(tree, exp.TryCast)
        operand = self.bind(tree.this)
        position = self.source.locate(tree)
        if isinstance(operand, Column) and self._is_time(operand) and operand.type.same_as(target.data_type):
            return Cast(operand.type, operand, position=position)  # a plain timestamp from here on
        if is_interval(target.data_type) and is_numeric(operand.type):
            return of_units(operand, target.meta[UNIT], target.data_type, position, lenient=lenient)
        return bind_cast(operand, target.data_type, position, lenient=lenient)

    def _is_time(self, column: Column) -> bool:
        schema = self.scope.relation.schema
        return column.index < len(schema) and schema[column.index].time is not None

    def _row(self, tree: exp.Expr) -> Expression:
        return bind("ROW", tuple(self.bind(item) for item in tree.expressions), self.source.locate(tree))

    def _user_aggregate(self, tree: exp.Anonymous, user: UserFunction, condition: exp.Expr | None) -> Expression:
        if self.aggregates is None:
            self.source.fail(f"the aggregate function {user.name} cannot stand in {self.clause}", tree)
        if any(isinstance(item, exp.Distinct) for item in tree.expressions):
            self.source.fail(f"{user.name} does not take DISTINCT", tree, "select the different rows in a subquery")
        inner = ExpressionBinder(self.source, self.scope, f"the aggregate function {user.name}")
        arguments = tuple(inner.bind(item) for item in tree.expressions)
        filtered = None
        if condition is not None:
            filtered = ExpressionBinder(self.source, self.scope, "FILTER").predicate(condition)
        call = user_aggregate(user.definition, arguments, filtered, self.source.locate(tree))
        return self.aggregates.add(call)

    def _filtered(self, tree: exp.Expr) -> Expression:
        call = tree.this
        user = marked(call)
        if user is not None and user.kind is Kind.AGGREGATE:
            return self._user_aggregate(call, user, tree.args["expression"].this)
        named = call.this if isinstance(call, exp.IgnoreNulls | exp.RespectNulls) else call
        if not isinstance(named, exp.Anonymous) or not is_aggregate(named.name):
            self.source.fail("FILTER can only follow an aggregate function", tree)
        return self._aggregate(call, tree.args["expression"].this)

    def _with_nulls(self, tree: exp.Expr) -> Expression:
        if not isinstance(tree.this, exp.Anonymous) or not is_aggregate(tree.this.name):
            self.source.fail("IGNORE NULLS and RESPECT NULLS can only follow an aggregate function", tree)
        return self._aggregate(tree, None)

    def _over(self, tree: exp.Expr) -> Expression:
        if self.over is None:
            self.source.fail(
                f"a window function cannot stand in {self.clause}", tree, "compute it in a subquery and filter that"
            )
        inner = replace(self, clause="OVER", over=None, subqueries=None)
        return self.over.add(tree, inner.bind)

    def _call(self, tree: exp.Expr) -> Expression:
        assert isinstance(tree, exp.Anonymous)
        user = marked(tree)
        if user is not None:
            return self._user_call(tree, user)
        name = tree.name.upper()
        if is_aggregate(name):
            return self._aggregate(tree, None)
        if name in GROUPING_FUNCTIONS:
            return self._grouping(tree)
        if name in AUXILIARY:
            if self.window is None:
                self.source.fail(f"{name} needs a window in GROUP BY", tree, f"add {name.rpartition('_')[0]}(…) to it")
            return self.window.property(tree, ExpressionBinder(self.source, self.scope, name).bind)
        if name in WINDOW_FUNCTIONS:
            self.source.fail(
                f"{name} can only stand in FROM and in GROUP BY",
                tree,
                f"write FROM TABLE({name}(TABLE t, DESCRIPTOR(ts), …))",
            )
        arguments = tuple(self.bind(argument) for argument in tree.expressions)
        if name == "CURRENT_DATABASE" and not arguments:
            return Literal(STRING.with_nullable(False), tree.meta[DATABASE], position=self.source.locate(tree))
        if name == "CURRENT_WATERMARK" and len(arguments) == 1:
            self._require_row_time(arguments[0], tree)
        return bind(name, arguments, self.source.locate(tree))

    def table_call(self, tree: exp.Anonymous, user: UserFunction) -> Expression:
        """The rows of a table function for each row: an ARRAY of ROWs, for LATERAL TABLE to expand."""
        arguments = tuple(self.bind(argument) for argument in tree.expressions)
        return bind_definition(user.definition, arguments, self.source.locate(tree))

    def _user_call(self, tree: exp.Anonymous, user: UserFunction) -> Expression:
        if user.kind is Kind.TABLE:
            self.source.fail(
                f"{user.name} is a table function", tree, f"write FROM …, LATERAL TABLE({user.name}(…)) AS t(…)"
            )
        if user.kind is Kind.AGGREGATE:
            return self._user_aggregate(tree, user, None)
        arguments = tuple(self.bind(argument) for argument in tree.expressions)
        return bind_definition(user.definition, arguments, self.source.locate(tree))

    def _require_row_time(self, argument: Expression, tree: exp.Expr) -> None:
        schema = self.scope.relation.schema
        if not isinstance(argument, Column) or schema[argument.index].time is not TimeAttribute.ROWTIME:
            self.source.fail(
                f"CURRENT_WATERMARK needs a row time attribute, which {argument} is not",
                tree.expressions[0],
                "declare WATERMARK FOR that column in CREATE TABLE; joins and aggregates lose it",
            )

    def _grouping(self, tree: exp.Expr) -> Expression:
        if self.aggregates is None or not self.aggregates.written:
            self.source.fail(f"{tree.name.upper()} needs a GROUP BY, in whose SELECT or HAVING it stands", tree)
        inner = ExpressionBinder(self.source, self.scope, tree.name.upper())
        call = grouping_call(self.source, tree, tuple(inner.bind(item) for item in tree.expressions))
        for key, written in zip(call.keys, tree.expressions, strict=True):
            if key not in self.aggregates.keys:
                self.source.fail(f"{tree.name.upper()} takes the keys of GROUP BY, which this is not", written)
        return call

    def _aggregate(self, tree: exp.Expr, condition: exp.Expr | None) -> Expression:
        name = (tree if isinstance(tree, exp.Anonymous) else tree.this).name.upper()
        if self.aggregates is None:
            self.source.fail(f"the aggregate function {name} cannot stand in {self.clause}", tree)
        collector = self.aggregates
        inner = ExpressionBinder(self.source, self.scope, f"the aggregate function {name}")
        filtered = None
        if condition is not None:
            filtered = ExpressionBinder(self.source, self.scope, "FILTER").predicate(condition)
        call = read_call(self.source, tree, inner.bind, filtered)
        return bind_aggregate(call, collector.add, grouped=collector.grouped)


def _dotted(tree: exp.Expr) -> str:
    """A qualified name as it was written."""
    if isinstance(tree, exp.Dot):
        return f"{_dotted(tree.this)}.{tree.args['expression'].name}"
    return tree.name


_HANDLERS: dict[type[exp.Expr], Callable[[ExpressionBinder, exp.Expr], Expression]] = {
    exp.Literal: ExpressionBinder._literal,
    exp.HexString: ExpressionBinder._bytes,
    exp.Introducer: ExpressionBinder._temporal,
    exp.Interval: ExpressionBinder._interval,
    exp.Boolean: ExpressionBinder._boolean,
    exp.Null: ExpressionBinder._null,
    TypeName: ExpressionBinder._typed_null,
    exp.Neg: ExpressionBinder._negative,
    exp.Column: ExpressionBinder._column,
    exp.Dot: ExpressionBinder._dot,
    exp.Paren: ExpressionBinder._paren,
    exp.Bracket: ExpressionBinder._element,
    exp.And: ExpressionBinder._connective,
    exp.Or: ExpressionBinder._connective,
    exp.Not: ExpressionBinder._not,
    exp.Escape: ExpressionBinder._escape,
    exp.Between: ExpressionBinder._between,
    exp.In: ExpressionBinder._in,
    exp.Case: ExpressionBinder._case,
    exp.Cast: ExpressionBinder._cast,
    exp.TryCast: ExpressionBinder._cast,
    exp.Tuple: ExpressionBinder._row,
    exp.Filter: ExpressionBinder._filtered,
    exp.IgnoreNulls: ExpressionBinder._with_nulls,
    exp.RespectNulls: ExpressionBinder._with_nulls,
    exp.Window: ExpressionBinder._over,
    exp.Anonymous: ExpressionBinder._call,
    exp.Exists: ExpressionBinder._exists,
    exp.Subquery: ExpressionBinder._scalar,
    exp.Select: ExpressionBinder._scalar,
    exp.Values: ExpressionBinder._scalar,
}
