"""Flink SQL as a sqlglot dialect: only what differs from sqlglot's own tables.

Every function call without syntax of its own stays an `exp.Anonymous`: names, types and meaning are the binder's
affair. Words that are no key here are plain identifiers, so nothing of other dialects is understood by accident.
Source: Flink, "SQL: Queries" and "System (Built-in) Functions".
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.parser import IsPredicatePrecedence, binary_range_parser
from sqlglot.tokenizer_core import TokenType

from riacho.sql import literal_grammar, special_calls
from riacho.sql.grammar import Grammar

_NAMES = {TokenType.VAR, TokenType.ASC, TokenType.DESC}


class RiachoFlink(Dialect):
    """Flink SQL. Registered in sqlglot as `riachoflink`, so that it stands in no other dialect's way."""

    class Tokenizer(tokens.Tokenizer):
        IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`"]
        HEX_STRINGS: ClassVar[list[str | tuple[str, str]]] = [("x'", "'"), ("X'", "'")]
        UNICODE_STRINGS: ClassVar[list[str | tuple[str, str]]] = [("u&'", "'"), ("U&'", "'")]
        BYTE_STRINGS: ClassVar[list[str | tuple[str, str]]] = [("e'", "'"), ("E'", "'")]  # texts with escapes
        BYTE_STRING_ESCAPES: ClassVar[list[str]] = ["'", "\\"]
        NESTED_COMMENTS = False
        COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--", "//", ("/*", "*/")]
        VAR_SINGLE_TOKENS: ClassVar[set[str]] = {"$"}
        TOKENS_PRECEDING_HINT: ClassVar[set[TokenType]] = {
            TokenType.SELECT,
            TokenType.VAR,
            TokenType.IDENTIFIER,
            TokenType.R_PAREN,
        }
        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            "/*+": TokenType.HINT,
            "||": TokenType.DPIPE,
            ">=": TokenType.GTE,
            "<=": TokenType.LTE,
            "<>": TokenType.NEQ,
            "!=": TokenType.NEQ,
            "=>": TokenType.FARROW,
            "ALL": TokenType.ALL,
            "AND": TokenType.AND,
            "ANY": TokenType.ANY,
            "AS": TokenType.ALIAS,
            "ASC": TokenType.ASC,
            "BETWEEN": TokenType.BETWEEN,
            "CROSS": TokenType.CROSS,
            "CUBE": TokenType.CUBE,
            "DESC": TokenType.DESC,
            "DISTINCT": TokenType.DISTINCT,
            "ELSE": TokenType.ELSE,
            "END": TokenType.END,
            "ESCAPE": TokenType.ESCAPE,
            "EXCEPT": TokenType.EXCEPT,
            "EXISTS": TokenType.EXISTS,
            "FALSE": TokenType.FALSE,
            "FETCH": TokenType.FETCH,
            "FILTER": TokenType.FILTER,
            "FROM": TokenType.FROM,
            "FULL": TokenType.FULL,
            "GROUP BY": TokenType.GROUP_BY,
            "GROUPING SETS": TokenType.GROUPING_SETS,
            "HAVING": TokenType.HAVING,
            "IN": TokenType.IN,
            "INNER": TokenType.INNER,
            "INTERSECT": TokenType.INTERSECT,
            "INTERVAL": TokenType.INTERVAL,
            "IS": TokenType.IS,
            "JOIN": TokenType.JOIN,
            "LATERAL": TokenType.LATERAL,
            "LEFT": TokenType.LEFT,
            "LIKE": TokenType.LIKE,
            "LIMIT": TokenType.LIMIT,
            "NATURAL": TokenType.NATURAL,
            "NOT": TokenType.NOT,
            "NULL": TokenType.NULL,
            "OFFSET": TokenType.OFFSET,
            "ON": TokenType.ON,
            "OR": TokenType.OR,
            "ORDER BY": TokenType.ORDER_BY,
            "OUTER": TokenType.OUTER,
            "OVER": TokenType.OVER,
            "OVERLAPS": TokenType.OVERLAPS,
            "PARTITION BY": TokenType.PARTITION_BY,
            "QUALIFY": TokenType.QUALIFY,
            "RIGHT": TokenType.RIGHT,
            "ROLLUP": TokenType.ROLLUP,
            "SELECT": TokenType.SELECT,
            "SIMILAR TO": TokenType.SIMILAR_TO,
            "SOME": TokenType.SOME,
            "TABLE": TokenType.TABLE,
            "THEN": TokenType.THEN,
            "TRUE": TokenType.TRUE,
            "UNION": TokenType.UNION,
            "UNKNOWN": TokenType.UNKNOWN,
            "USING": TokenType.USING,
            "VALUES": TokenType.VALUES,
            "WHEN": TokenType.WHEN,
            "WHERE": TokenType.WHERE,
            "WINDOW": TokenType.WINDOW,
            "RECURSIVE": TokenType.RECURSIVE,
            "WITH": TokenType.WITH,
        }

    class Parser(Grammar):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CASE": lambda self: self._parse_case(),
            **special_calls.WITHOUT_PARENTHESES,
        }
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = special_calls.SPECIAL_CALLS
        LAMBDAS: ClassVar[dict[TokenType, Any]] = {
            TokenType.FARROW: lambda self, names: self.expression(
                exp.Kwarg(this=exp.Var(this=names[0].name), expression=self.argument())
            ),
        }
        COLUMN_OPERATORS: ClassVar[dict[TokenType, Any]] = {TokenType.DOT: None}
        PLACEHOLDER_PARSERS: ClassVar[dict[TokenType, Any]] = {}
        PRIMARY_PARSERS: ClassVar[dict[TokenType, Any]] = {
            TokenType.STRING: literal_grammar.plain_string,
            TokenType.UNICODE_STRING: literal_grammar.unicode_string,
            TokenType.BYTE_STRING: literal_grammar.escaped_string,
            TokenType.NATIONAL_STRING: literal_grammar.national_string,
            TokenType.NUMBER: lambda self, token: self.expression(exp.Literal(this=token.text, is_string=False), token),
            TokenType.HEX_STRING: literal_grammar.hex_string,
            TokenType.NULL: lambda self, token: self.expression(exp.Null(), token),
            TokenType.TRUE: lambda self, token: self.expression(exp.Boolean(this=True), token),
            TokenType.FALSE: lambda self, token: self.expression(exp.Boolean(this=False), token),
            TokenType.UNKNOWN: lambda self, token: self.expression(exp.Boolean(this=None), token),
            TokenType.STAR: lambda self, token: self.expression(exp.Star(), token),
        }
        RANGE_PARSERS: ClassVar[dict[TokenType, Any]] = {
            TokenType.BETWEEN: lambda self, this: self._parse_between(this),
            TokenType.IN: lambda self, this: self._parse_in(this),
            TokenType.IS: lambda self, this: self._parse_is(this),
            TokenType.LIKE: binary_range_parser(exp.Like),
            TokenType.OVERLAPS: lambda self, this: self._parse_overlaps(this),
            TokenType.SIMILAR_TO: binary_range_parser(exp.SimilarTo),
        }
        UNARY_PARSERS: ClassVar[dict[TokenType, Any]] = {
            TokenType.PLUS: lambda self: self._parse_unary(),
            TokenType.DASH: lambda self: self.expression(exp.Neg(this=self._parse_unary())),
            TokenType.NOT: lambda self: self.expression(exp.Not(this=self._parse_equality())),
        }
        FACTOR: ClassVar[dict[TokenType, Any]] = {
            TokenType.STAR: exp.Mul,
            TokenType.SLASH: exp.Div,
            TokenType.MOD: exp.Mod,
            TokenType.DPIPE: exp.DPipe,
        }
        TERM: ClassVar[dict[TokenType, Any]] = {TokenType.PLUS: exp.Add, TokenType.DASH: exp.Sub}
        EQUALITY: ClassVar[dict[TokenType, Any]] = {TokenType.EQ: exp.EQ, TokenType.NEQ: exp.NEQ}
        BITWISE: ClassVar[dict[TokenType, Any]] = {}
        ASSIGNMENT: ClassVar[dict[TokenType, Any]] = {}
        IS_PREDICATE_PRECEDENCE: ClassVar[IsPredicatePrecedence] = IsPredicatePrecedence.LOW
        BRACKETS: ClassVar[frozenset[TokenType]] = frozenset({TokenType.L_BRACKET})
        JOIN_METHODS: ClassVar[set[TokenType]] = {TokenType.NATURAL}
        JOIN_KINDS: ClassVar[set[TokenType]] = {TokenType.CROSS, TokenType.INNER, TokenType.OUTER}
        ID_VAR_TOKENS: ClassVar[set[TokenType]] = _NAMES
        ALIAS_TOKENS: ClassVar[set[TokenType]] = {TokenType.VAR}
        TABLE_ALIAS_TOKENS: ClassVar[set[TokenType]] = {TokenType.VAR}
        FUNC_TOKENS: ClassVar[set[TokenType]] = {
            TokenType.VAR,
            TokenType.IDENTIFIER,
            TokenType.LEFT,
            TokenType.RIGHT,
            TokenType.ANY,
            TokenType.ALL,
            TokenType.SOME,
            TokenType.EXISTS,
        }
        QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Any]] = {
            TokenType.WHERE: lambda self: ("where", self._parse_where()),
            TokenType.GROUP_BY: lambda self: ("group", self._parse_group()),
            TokenType.HAVING: lambda self: ("having", self._parse_having()),
            TokenType.QUALIFY: lambda self: ("qualify", self._parse_qualify()),
            TokenType.WINDOW: lambda self: ("windows", self._parse_window_clause()),
            TokenType.ORDER_BY: lambda self: ("order", self._parse_order()),
            TokenType.LIMIT: lambda self: ("limit", self._parse_limit()),
            TokenType.FETCH: lambda self: ("limit", self._parse_limit()),
            TokenType.OFFSET: lambda self: ("offset", self._parse_offset()),
        }
