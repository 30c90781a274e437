"""Where Flink's grammar is stricter than, or other than, sqlglot's: the parser's overridden rules.

The public methods are parts of statements, and of the calls that have a syntax of their own (`special_calls.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from riacho.plan.types import DataType
from riacho.sql import data_types, frame_grammar, literal_grammar
from riacho.sql.errors import did_you_mean
from riacho.sql.source import start_of
from riacho.sql.token_reader import SqlSyntaxError, TokenReader

WINDOW_FUNCTIONS = frozenset({"TUMBLE", "HOP", "CUMULATE", "SESSION"})
"""The window table functions of Flink, which also stand in FROM without TABLE(...)."""

_OF_MODELS = frozenset({"ML_PREDICT", "ML_EVALUATE", "VECTOR_SEARCH"})
"""Flink's table functions of models and vectors."""

UNIT = "unit"
"""Where the type of a cast to an interval carries its unit."""

AS_OF = "as of"
"""Where a table's node carries the moment of FOR SYSTEM_TIME AS OF."""


class TypeName(exp.Expression):
    """A type as written in CAST: `this` is the `DataType`."""

    @property
    def data_type(self) -> DataType:
        found = self.args["this"]
        assert isinstance(found, DataType)
        return found


class Grammar(TokenReader):
    """sqlglot's parser with Flink's rules, over the tokens of one statement."""

    # ---- parts ------------------------------------------------------------------------------------------------

    def data_type(self) -> DataType:
        """A type with its nullability."""
        return data_types.parse_type(self)

    def type_name(self) -> TypeName:
        """The same as a node of the tree."""
        return self.expression(TypeName(this=self.data_type()))

    def cast_type(self) -> TypeName:
        """The type of a cast, which may be an interval: numbers are so many of its `unit` then."""
        if not self.peek("INTERVAL"):
            named = self.type_name()
            if self.taken.text.upper() == "NULL":
                written = "NULL" if named.data_type.nullable else "NOT NULL"
                mend = f"leave {written} out: a cast is NULL where what it casts is"
                self.refuse(f"CAST takes a type without {written}", self.taken.start, mend)
            return named
        data_type, unit = literal_grammar.interval_type(self)
        named = self.expression(TypeName(this=data_type))
        named.meta[UNIT] = unit
        return named

    def value(self) -> exp.Expr:
        """An expression; a `SqlSyntaxError` if none comes."""
        found = self._parse_disjunction()
        if found is None:
            self.refuse_token("expected an expression")
        return found

    def _parse_primary(self) -> exp.Expr | None:
        """As sqlglot's, which would put a zero before a point that has none, and with it another digit."""
        point = self._curr
        if self._match_pair(TokenType.DOT, TokenType.NUMBER):
            return self.expression(exp.Literal(this=f".{self._prev.text}", is_string=False), point)
        return super()._parse_primary()

    def query(self) -> exp.Expr:
        """A query: SELECT, VALUES, WITH or one in parentheses, with set operations and modifiers."""
        if not any(self.peek(word) for word in ("SELECT", "VALUES", "WITH", "TABLE", "(")):
            self.refuse_token("expected a query (SELECT, VALUES or WITH)")
        found = self._parse_query_modifiers(self._parse_set_operations(self._parse_select(nested=True)))
        if found is None:
            self.refuse_token("expected a query (SELECT, VALUES or WITH)")
        return found

    def argument(self) -> exp.Expr:
        """An argument of a window table function: a table, a descriptor or a value."""
        if self.take("TABLE"):
            return self._partitioned(self._table_name())
        if self.peek("(", "SELECT"):
            self.expect("(")
            query = self.query()
            self.expect(")")
            return self._partitioned(self.expression(exp.Subquery(this=query)))
        return self.value()

    def _partitioned(self, data: exp.Expr) -> exp.Expr:
        """A table argument with what may follow it."""
        if self._match(TokenType.PARTITION_BY):
            if self.take("("):
                data.set("partition_by", self._parse_csv(self.value))
                self.expect(")")
            else:
                data.set("partition_by", [self.value()])
        if self._match(TokenType.ORDER_BY, advance=False):
            self.refuse_here("a table argument takes no ORDER BY")
        return data

    # ---- rules ------------------------------------------------------------------------------------------------

    def _parse_csv(self, parse_method: Callable[[], Any], sep: TokenType = TokenType.COMMA) -> list[Any]:
        first = parse_method()
        items = [] if first is None else [first]
        while self._match(sep):
            item = parse_method()
            if item is None:
                self.refuse_token("expected an expression after the comma")
            items.append(item)
        return items

    def _parse_statement(self) -> exp.Expr | None:
        return self.query()  # the body of a WITH

    def _parse_select_query(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
        if self.peek("FROM") or self.peek("DESCRIBE"):
            self.refuse_token("expected SELECT")
        if self.take("TABLE"):  # all of a table, as a query
            everything = self.expression(exp.Star(), self._prev)
            return self.expression(exp.Select(expressions=[everything], from_=exp.From(this=self._table_name())))
        return super()._parse_select_query(*args, **kwargs)

    def _parse_hint(self) -> exp.Hint | None:
        if not self._match(TokenType.HINT):
            return None
        hint = exp.Hint()
        hint.meta["hint"] = (" ".join(self._prev.comments), self._prev.start)
        return hint

    def _parse_group(self, skip_group_by_token: bool = False) -> exp.Group | None:  # noqa: ARG002
        if not self._match(TokenType.GROUP_BY):
            return None
        place = self._prev
        distinct = self.take("DISTINCT")
        if not distinct:
            self.take("ALL")
        elements = self._parse_csv(self._grouping_element)
        group = self.expression(exp.Group(expressions=elements), place)
        group.set("distinct", distinct)
        return group

    def _grouping_element(self) -> exp.Expr:
        """A key, or several at once: `(a, b)`, `ROLLUP (…)`, `CUBE (…)`, `GROUPING SETS (…)`."""
        place = self._curr
        if self.take("ROLLUP"):
            return self.expression(exp.Rollup(expressions=self.listed(self._grouping_element)), place)
        if self.take("CUBE"):
            return self.expression(exp.Cube(expressions=self.listed(self._grouping_element)), place)
        if self.take("GROUPING SETS") or self.take("GROUPING", "SETS"):
            return self.expression(exp.GroupingSets(expressions=self.listed(self._grouping_element)), place)
        if self.take("(", ")"):
            return self.expression(exp.Tuple(expressions=[]), place)
        return self.value()

    def _parse_limit(
        self, this: exp.Expr | None = None, top: bool = False, skip_limit_token: bool = False
    ) -> exp.Expr | None:
        """`LIMIT n`, LIMIT ALL, which is none, or the standard's `FETCH FIRST n ROWS ONLY`."""
        if self.take("LIMIT", "ALL"):
            return None
        if not self.take("FETCH"):
            limit = super()._parse_limit(this, top, skip_limit_token)
            offset = None if limit is None else limit.args.get("offset")
            if offset is not None:
                self.refuse("LIMIT takes the number of rows alone", start_of(offset), "write LIMIT n OFFSET m")
            return limit
        place = self._prev
        if not self.take("NEXT"):
            self.expect("FIRST")
        count: exp.Expr = self.expression(exp.Literal(this="1", is_string=False), place)
        if not (self.peek("ROW") or self.peek("ROWS")):
            count = self.value()
        if not self.take("ROWS"):
            self.expect("ROW")
        self.expect("ONLY")
        return self.expression(exp.Limit(expression=count), place)

    # ---- OVER -------------------------------------------------------------------------------------------------

    def _parse_window(self, this: exp.Expr | None, alias: bool = False) -> exp.Expr | None:  # noqa: ARG002
        """What may follow a call: how it takes NULL, FILTER (WHERE …), then OVER and a window."""
        if this is None:
            return None
        if self.take("IGNORE", "NULLS"):
            this = self.expression(exp.IgnoreNulls(this=this))
        elif self.take("RESPECT", "NULLS"):
            this = self.expression(exp.RespectNulls(this=this))
        if self.take("FILTER"):
            self.expect("(", "WHERE")
            this = self.expression(exp.Filter(this=this, expression=exp.Where(this=self.value())))
            self.expect(")")
        if self.peek("WITHIN"):
            self.refuse_here("WITHIN is not supported: values stand in the order that they came in")
        if not self.take("OVER"):
            return this
        over = self._prev
        if not self.peek("("):
            return self.expression(exp.Window(this=this, alias=self.identifier("a window's name or (")), over)
        return self._window_specification(this, over)

    def _parse_named_window(self) -> exp.Expr | None:
        name = self.identifier("a window's name")
        self.expect("AS")
        return self._window_specification(name, self._curr)

    def _window_specification(self, this: exp.Expr, token: Token) -> exp.Window:
        """`([PARTITION BY …] [ORDER BY …] [ROWS | RANGE …])`, of a call or of a name."""
        self.expect("(")
        partition = self._parse_csv(self.value) if self._match(TokenType.PARTITION_BY) else []
        order = self._parse_order()
        frame = frame_grammar.frame(self, self.value) if self.peek("ROWS") or self.peek("RANGE") else None
        self.expect(")")
        return self.expression(exp.Window(this=this, partition_by=partition, order=order, spec=frame), token)

    def _parse_value(self, values: bool = True) -> exp.Tuple | None:  # noqa: ARG002 - the parser's signature
        if self.peek("ROW", "("):
            self.take("ROW")
        if not self.peek("("):
            return self.expression(exp.Tuple(expressions=[self.value()]))
        items = self.listed(self.value)
        if len(items) == 1 and literal_grammar.is_row(items[0]):  # as Flink, which sees no parentheses around it
            items = items[0].expressions
        return self.expression(exp.Tuple(expressions=items))

    def _parse_join(self, *args: Any, **kwargs: Any) -> exp.Join | None:
        if self.take(","):
            return self.expression(exp.Join(this=self._parse_table(), kind="CROSS"))
        return super()._parse_join(*args, **kwargs)

    def _parse_table(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
        if self.take("TABLE"):
            self.expect("(")
            call = self._table_function()
            self.expect(")")
            return self._aliased(call)
        if self.peek("LATERAL") or self.peek("UNNEST"):
            return self._aliased(self._lateral_table())
        if self.peek("(", "TABLE") and not self._is(self._index + 2, TokenType.L_PAREN):
            self.expect("(")
            inner = self.expression(exp.Subquery(this=self.query()))
            self.expect(")")
            return self._aliased(inner)
        if any(self.peek(word) for word in ("(", "VALUES", "SELECT", "WITH")):
            return super()._parse_table(*args, **kwargs)
        if self._calls_a_function():
            return self._aliased(self._table_function())
        table = self._table_name()
        if self.take("FOR", "SYSTEM_TIME"):
            self.expect("AS", "OF")
            table.meta[AS_OF] = self.value()
        if any(self.peek(word) for word in ("TABLESAMPLE", "MATCH_RECOGNIZE", "PIVOT", "UNPIVOT")):
            self.refuse_foreign()
        return self._aliased(table)

    def _lateral_table(self) -> exp.Expr:
        """`UNNEST(…) [WITH ORDINALITY]`, `LATERAL TABLE(f(…))`, or a query after LATERAL."""
        start = self._curr
        self.take("LATERAL")
        if self.take("UNNEST"):
            self.expect("(")
            collection = self.value()
            self.expect(")")
            ordinality = exp.Boolean(this=True) if self.take("WITH", "ORDINALITY") else None
            return self.expression(exp.Unnest(expressions=[collection], offset=ordinality), start)
        if self.take("TABLE"):
            self.expect("(")
            inner: exp.Expr = self.value()
        else:
            self.expect("(")
            inner = self.expression(exp.Subquery(this=self.query()))
        self.expect(")")
        return self.expression(exp.Lateral(this=inner), start)

    def table_name(self) -> exp.Table:
        """A table's name, with up to two qualifiers and a hint of options."""
        return self._table_name()

    def _table_name(self) -> exp.Table:
        parts = [self.identifier("a table name")]
        while self.take("."):
            parts.append(self.identifier("a name after the dot"))
        if len(parts) > 3:
            raise SqlSyntaxError("a table name has at most three parts", parts[0].meta["start"])
        named = dict(zip(("this", "db", "catalog"), reversed(parts), strict=False))
        table = self.expression(exp.Table(**named))
        if self._match(TokenType.HINT):
            table.meta["hint"] = (" ".join(self._prev.comments), self._prev.start)
        return table

    def _aliased(self, table: exp.Expr) -> exp.Expr:
        wrapped = table if isinstance(table, exp.Table) else self.expression(exp.Table(this=table))
        alias = self._parse_table_alias()
        if alias is not None:
            wrapped.set("alias", alias)
        return wrapped

    def _parse_table_alias(self, alias_tokens: Any = None) -> exp.TableAlias | None:  # noqa: ARG002
        explicit = self._match(TokenType.ALIAS)
        quoted = self._curr.token_type == TokenType.IDENTIFIER
        if not explicit and not quoted and self._curr.token_type != TokenType.VAR:
            return None
        alias = self.expression(exp.TableAlias(this=self.identifier("an alias")))
        if self.peek("("):
            alias.set("columns", self.listed(lambda: self.identifier("a column name")))
        return alias

    def _calls_a_function(self) -> bool:
        """Whether a name comes, maybe with its database, and its arguments."""
        place = self._index
        while self._is_name(place) and self._is(place + 1, TokenType.DOT):
            place += 2
        return self._is_name(place) and self._is(place + 1, TokenType.L_PAREN)

    def _is_name(self, place: int) -> bool:
        return self._is(place, TokenType.VAR) or self._is(place, TokenType.IDENTIFIER)

    def _is(self, place: int, kind: TokenType) -> bool:
        return place < self._tokens_size and self._tokens[place].token_type == kind

    def _table_function(self) -> exp.Expr:
        """A call of a window table function, or of one of the user's."""
        if not self._calls_a_function():
            self.refuse_token("expected a call of a table function")
        name = self._curr.text.upper()
        if name in WINDOW_FUNCTIONS:
            return self._window_function()
        if name in _OF_MODELS:
            mend = "write a function of your own: CREATE FUNCTION … LANGUAGE PYTHON"
            self.refuse(f"{name} is not supported", self.offset, mend)
        if self._is(self._index + 2, TokenType.TABLE):
            self.refuse_token(
                f"expected a window table function ({', '.join(sorted(WINDOW_FUNCTIONS))})",
                did_you_mean(self._curr.text.upper(), WINDOW_FUNCTIONS)
                or "functions of models, of vectors and process table functions are not here",
            )
        start = self._curr
        return self.expression(exp.TableFromRows(this=self.value()), start)

    def _window_function(self) -> exp.Anonymous:
        self._advance()
        name = self._prev

        def argument() -> exp.Expr:
            if self._next.token_type == TokenType.FARROW:
                key = self._curr
                self._advance(2)
                return self.expression(exp.Kwarg(this=exp.Var(this=key.text.upper()), expression=self.argument()), key)
            return self.argument()

        return self.expression(exp.Anonymous(this=name.text.upper(), expressions=self.listed(argument)), name)

    def _parse_type(self, parse_interval: bool = True, fallback_to_identifier: bool = False) -> exp.Expr | None:  # noqa: ARG002
        token = self._curr
        if token.token_type == TokenType.VAR and self._next.token_type == TokenType.STRING:
            kind = token.text.upper()
            if kind in ("DATE", "TIME", "TIMESTAMP"):
                self._advance(2)
                literal = exp.Literal(this=self._prev.text, is_string=True)
                return self.expression(exp.Introducer(this=exp.var(kind), expression=literal), token)
            if literal_grammar.is_character_set(self, token):
                return literal_grammar.of_character_set(self)
        if token.token_type == TokenType.INTERVAL:
            return literal_grammar.interval(self, self._interval_amount)
        if token.token_type == TokenType.L_BRACE and self._next.text.upper() in literal_grammar.ESCAPES:
            return literal_grammar.escaped_moment(self)
        if self.peek("ARRAY", "(") or self.peek("MAP", "("):
            self.refuse_here(f"{token.text.upper()} takes its values in brackets: {token.text.upper()}[…]")
        if token.token_type == TokenType.VAR and self._next.token_type == TokenType.L_BRACKET:
            kind = token.text.upper()
            if kind in ("ARRAY", "MAP"):
                self._advance(2)
                items = [] if self.peek("]") else self._parse_csv(self.value)
                self.expect("]")
                made: exp.Expr = self.expression(exp.Anonymous(this=kind, expressions=items), token)
                while self.peek("["):
                    # The inherited parser would take `ARRAY[1, 2][1]` for a second constructor.
                    place = self._curr
                    self.expect("[")
                    made = self.expression(exp.Bracket(this=made, expressions=[self.value()]), place)
                    self.expect("]")
                return self._parse_column_ops(made)
        return self._parse_column()

    def _parse_at_time_zone(self, this: exp.Expr | None) -> exp.Expr | None:
        if self.peek("AT", "TIME"):
            self.refuse_token("AT TIME ZONE is not Flink SQL", "CONVERT_TZ and casts to TIMESTAMP_LTZ change zones")
        return this

    def _interval_amount(self) -> exp.Expr:
        """What stands for the number of units: a number, a column, or an expression in parentheses."""
        if self.take("("):
            amount = self.value()
            self.expect(")")
            return self.expression(exp.Paren(this=amount))
        found = None
        if self._is(self._index, TokenType.NUMBER):
            found = self._parse_primary()
        elif self._is_name(self._index) and not self._calls_a_function():
            found = self._parse_column()
        if found is None:
            self.refuse_token("expected the interval's amount in single quotes")
        return found

    def _parse_types(self, *args: Any, **kwargs: Any) -> exp.Expr | None:  # noqa: ARG002
        return self.type_name()

    def _parse_paren(self) -> exp.Expr | None:
        if self.peek("(", ")"):
            self.refuse_token("expected an expression between the parentheses")
        made = super()._parse_paren()
        return literal_grammar.difference(self, made) or made

    def _parse_case(self) -> exp.Expr:
        start = self._prev
        subject = None if self.peek("WHEN") else self.value()
        branches = []
        while self.take("WHEN"):
            conditions = [self.value()]
            while subject is not None and self.take(","):
                conditions.append(self.value())
            self.expect("THEN")
            result = self.value()
            branches += [self.expression(exp.If(this=each, true=result.copy())) for each in conditions]
        if not branches:
            self.refuse_token("expected WHEN")
        default = self.value() if self.take("ELSE") else None
        self.expect("END")
        return self.expression(exp.Case(this=subject, ifs=branches, default=default), start)

    def _parse_between(self, this: exp.Expr | None) -> exp.Between:
        symmetric = self.take("SYMMETRIC")
        self.take("ASYMMETRIC")
        low = self._parse_bitwise()
        self.expect("AND")
        high = self._parse_bitwise()
        return self.expression(exp.Between(this=this, low=low, high=high, symmetric=symmetric or None))

    def _parse_overlaps(self, this: exp.Expr | None) -> exp.Expr:
        """`(start, end or interval) OVERLAPS (start, end or interval)`."""
        operator = self._prev
        spans = (this, self._parse_bitwise())
        bounds: list[exp.Expr | None] = []
        for span in spans:
            if not isinstance(span, exp.Tuple) or len(span.expressions) != 2:
                self.refuse("OVERLAPS compares two pairs", operator.start, "write (a, b) OVERLAPS (c, d)")
            bounds += span.expressions
        return self._call("OVERLAPS", bounds, operator)

    def _parse_in(self, this: exp.Expr | None, alias: bool = False) -> exp.In:  # noqa: ARG002
        if self.peek("(", "SELECT") or self.peek("(", "VALUES") or self.peek("(", "WITH"):
            self.expect("(")
            query = self.query()
            self.expect(")")
            return self.expression(exp.In(this=this, query=self.expression(exp.Subquery(this=query))))
        return self.expression(exp.In(this=this, expressions=self.listed(self.value)))

    def _parse_is(self, this: exp.Expr | None) -> exp.Expr | None:
        """`IS [NOT] …` becomes a call of Flink's function of that name."""
        start = self._prev
        negated = "NOT " if self.take("NOT") else ""
        if self.take("DISTINCT"):
            self.expect("FROM")
            other = self._parse_comparison()
            return self._call(f"IS {negated}DISTINCT FROM", [this, other], start)
        if self.take("JSON"):
            kind = next((word for word in ("VALUE", "SCALAR", "ARRAY", "OBJECT") if self.take(word)), "VALUE")
            test = self._call("IS JSON", [this, exp.Literal.string(kind)], start)
            return self.expression(exp.Not(this=test)) if negated else test
        for word, name in (("NULL", "NULL"), ("UNKNOWN", "NULL"), ("TRUE", "TRUE"), ("FALSE", "FALSE")):
            if self.take(word):
                return self._call(f"IS {negated}{name}", [this], start)
        return self.refuse_token("expected NULL, TRUE, FALSE, UNKNOWN, DISTINCT FROM or JSON")

    def _call(self, name: str, arguments: list[exp.Expr | None], token: Token) -> exp.Expr:
        if any(argument is None for argument in arguments):
            self.refuse_token("expected an expression")
        return self.expression(exp.Anonymous(this=name, expressions=arguments), token)
