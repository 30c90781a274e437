"""The tokens of one statement: the vocabulary in which grammars are written.

Types (`data_types.py`), literals (`literal_grammar.py`) and frames (`frame_grammar.py`) read a text by these methods
alone, statements by those of `Grammar` as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from riacho.sql.words import RESERVED

Item = TypeVar("Item")
Node = TypeVar("Node", bound=exp.Expr)

STATEMENT_WORDS = frozenset(
    {"CREATE", "DROP", "INSERT", "EXECUTE", "BEGIN", "SET", "RESET", "EXPLAIN", "SHOW", "DESCRIBE"}
)
"""Reserved words that begin a statement: where a name is expected, a semicolon is more likely missing."""

FOREIGN_SYNTAX = {
    ":": "write CAST(value AS type)",
    "TABLESAMPLE": "there are no samples: choose rows by a condition",
    "MATCH_RECOGNIZE": "compare a row with those before it by LAG(…) OVER, or join the table with itself",
    "PIVOT": "write an aggregate for each column: SUM(x) FILTER (WHERE k = …)",
    "UNPIVOT": "write CROSS JOIN UNNEST(MAP['name', column, …])",
    "ILIKE": "write LOWER(text) LIKE 'pattern'",
    "REGEXP": "write REGEXP(text, 'pattern')",
    "RLIKE": "write REGEXP(text, 'pattern')",
    "GLOB": "write text LIKE 'pattern'",
    "MEMBER": "UNNEST gives the elements of a multiset, for IN and EXISTS",
    "MULTISET": "COLLECT makes multisets, and UNNEST gives their elements",
    "MINUS": "write EXCEPT",
}
"""What other dialects, and parts of Flink's that are not here, write after an operand, and what to write instead."""

_FOREIGN_OPERATORS = {
    "==": "write =",
    "<=>": "write IS NOT DISTINCT FROM",
    "~": "write REGEXP(text, 'pattern')",
    "!~": "write NOT REGEXP(text, 'pattern')",
    "^": "write POWER(x, y)",
}

_FOREIGN_CLAUSES = {
    ("CROSS", "APPLY"): "write CROSS JOIN LATERAL",
    ("OUTER", "APPLY"): "write LEFT JOIN LATERAL … ON TRUE",
    ("WITH", "ROLLUP"): "write GROUP BY ROLLUP (…)",
    ("ON", "CONFLICT"): "rows of one primary key replace each other: SET 'table.exec.sink.upsert-materialize'",
}
"""The same of two words."""


class SqlSyntaxError(ParseError):
    """The text does not follow the grammar at the offset `start`."""

    def __init__(self, message: str, start: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.suggestion = suggestion


class TokenReader(Parser):
    """Steps over tokens, and says what is wrong with them."""

    def begin(self, tokens: list[Token], sql: str) -> None:
        """Stand before the first of these tokens."""
        self.reset()
        self.sql = sql
        self._chunks = [tokens]
        self._advance_chunk()

    @property
    def at_end(self) -> bool:
        return self._index >= self._tokens_size

    @property
    def offset(self) -> int:
        """Where the current token starts; at the end, just behind the last one."""
        return self._curr.start if not self.at_end else self._prev.end + 1 if self._prev else 0

    def peek(self, *words: str) -> bool:
        """Whether the next tokens are these words or symbols."""
        ahead = self._tokens[self._index : self._index + len(words)]
        return len(ahead) == len(words) and all(
            token.text.upper() == word and token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING)
            for token, word in zip(ahead, words, strict=True)
        )

    def take(self, *words: str) -> bool:
        """Step over these words if they come next."""
        if not self.peek(*words):
            return False
        self._advance(len(words))
        return True

    @property
    def taken(self) -> Token:
        """What was stepped over last."""
        return self._prev

    def expect(self, *words: str) -> None:
        """Step over these words; a `SqlSyntaxError` if something else comes."""
        for word in words:
            if not self.take(word):
                self.refuse_token(f"expected {word}")

    def word(self, what: str) -> str:
        """Step over one unquoted word and return it in upper case."""
        if self.at_end or self._curr.token_type in (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER):
            self.refuse_token(f"expected {what}")
        self._advance()
        return self._prev.text.upper()

    def identifier(self, what: str) -> exp.Identifier:
        """A name, in back-ticks or not reserved."""
        found = None
        if not self.at_end and (self._curr.token_type == TokenType.IDENTIFIER or _is_name(self._curr.text)):
            self._advance()
            quoted = self._prev.token_type == TokenType.IDENTIFIER
            if self._prev.token_type != TokenType.STRING:
                found = self.expression(exp.Identifier(this=self._prev.text, quoted=quoted), self._prev)
        if found is None:
            self.refuse_token(f"expected {what}")
        return found

    @property
    def at_text(self) -> bool:
        """Whether a string literal comes next."""
        return not self.at_end and self._curr.token_type == TokenType.STRING

    def peek_before_text(self, word: str) -> bool:
        """Whether this word comes next, and behind it a string literal."""
        ahead = self._tokens[self._index + 1 : self._index + 2]
        return self.peek(word) and [token.token_type for token in ahead] == [TokenType.STRING]

    def peek_before_name(self, word: str) -> bool:
        """Whether this word comes next, and behind it a name."""
        ahead = self._tokens[self._index + 1 : self._index + 2]
        return self.peek(word) and [token.token_type in (TokenType.VAR, TokenType.IDENTIFIER) for token in ahead] == [
            True
        ]

    def text(self, what: str) -> exp.Literal:
        """A string literal."""
        if not self._match(TokenType.STRING):
            self.refuse_token(f"expected {what} in single quotes")
        return self.expression(exp.Literal(this=self._prev.text, is_string=True), self._prev)

    def optional_text(self) -> str | None:
        """A string literal, if one comes."""
        return str(self.text("a text").this) if self._curr.token_type == TokenType.STRING else None

    def number(self, what: str) -> int:
        """An unsigned integer."""
        if self.at_end or self._curr.token_type != TokenType.NUMBER or not self._curr.text.isdigit():
            self.refuse_token(f"expected {what}")
        self._advance()
        return int(self._prev.text)

    def listed(self, item: Callable[[], Item]) -> list[Item]:
        """One or more items between parentheses, separated by commas."""
        self.expect("(")
        items = [item()]
        while self.take(","):
            items.append(item())
        self.expect(")")
        return items

    def finish(self) -> None:
        """A `SqlSyntaxError` unless every token was used."""
        if self.at_end:
            return
        self.refuse_foreign()
        self.refuse_token("the statement should have ended here", FOREIGN_SYNTAX.get(self._curr.text.upper()))

    def refuse_foreign(self) -> None:
        """A `SqlSyntaxError` if what comes next is syntax of other dialects."""
        for words, mend in _FOREIGN_CLAUSES.items():
            if self.peek(*words):
                self.refuse(f"{' '.join(words)} is not supported", self.offset, mend)
        start, operator = self._operator()
        if operator in _FOREIGN_OPERATORS:
            self.refuse(f"'{operator}' is no operator of Flink SQL", start, _FOREIGN_OPERATORS[operator])
        negated = self.peek("NOT") and self._next is not None and self._next.text.upper() in FOREIGN_SYNTAX
        word = self._next if negated else self._curr
        found = "" if word is None else word.text.upper()
        if word is not None and found in FOREIGN_SYNTAX and found.isalpha() and word.token_type is not TokenType.STRING:
            mend = FOREIGN_SYNTAX[found]
            self.refuse(
                f"{found} is not supported", word.start, mend.replace("write ", "write NOT ") if negated else mend
            )

    def _operator(self) -> tuple[int, str]:
        """Where the symbols begin that the current token is one of, and which they are."""
        tokens = self._tokens
        first, last = self._index, self._index
        while first > 0 and tokens[first - 1].end + 1 == tokens[first].start and _is_symbol(tokens[first - 1]):
            first -= 1
        while (
            last + 1 < len(tokens) and tokens[last].end + 1 == tokens[last + 1].start and _is_symbol(tokens[last + 1])
        ):
            last += 1
        return tokens[first].start, "".join(token.text for token in tokens[first : last + 1])

    def refuse_token(self, message: str, suggestion: str | None = None) -> NoReturn:
        """Raise a `SqlSyntaxError` at the current token, saying what stands there."""
        if suggestion is None and not self.at_end:
            self.refuse_foreign()
        found = "the end of the statement" if self.at_end else f"'{self._curr.text}'"
        raise SqlSyntaxError(f"{message}, found {found}", self.offset, suggestion)

    def raise_error(self, message: str, token: Token | None = None) -> None:
        if "missing for" in message:  # an operator lacks an operand
            self.refuse_token("expected an expression")
        if token:
            self.refuse(_plain(message), token.start)
        self.refuse_token(_plain(message))

    def refuse_here(self, message: str) -> NoReturn:
        """Raise a `SqlSyntaxError` at the current token, about something that is understood but not possible."""
        raise SqlSyntaxError(message, self.offset)

    def refuse(self, message: str, start: int, suggestion: str | None = None) -> NoReturn:
        """Raise a `SqlSyntaxError` at an offset."""
        raise SqlSyntaxError(message, start, suggestion)

    # ---- names ------------------------------------------------------------------------------------------------

    def expression(self, instance: Node, token: Token | None = None, comments: list[str] | None = None) -> Node:
        if isinstance(instance, exp.Identifier) and not instance.args.get("quoted"):
            name = str(instance.this)
            if name.upper() in RESERVED:
                where = token or self._prev
                if name.upper() == "UESCAPE":
                    raise SqlSyntaxError(
                        "UESCAPE is for text that begins with U&", where.start, "write U&'…' UESCAPE '!'"
                    )
                if name.upper() in FOREIGN_SYNTAX:
                    raise SqlSyntaxError(f"{name.upper()} is not supported", where.start, FOREIGN_SYNTAX[name.upper()])
                mend = f"as a name, write it as `{name}`"
                if name.upper() in STATEMENT_WORDS:
                    mend = f"end the statement before it with a semicolon; {mend}"
                raise SqlSyntaxError(f"'{name}' is a reserved word of Flink SQL", where.start, mend)
        return super().expression(instance, token, comments)

    def _identifier_expression(self, token: Token | None = None, quoted: bool | None = None) -> exp.Identifier:
        where = token or self._prev
        return self.expression(exp.Identifier(this=where.text, quoted=bool(quoted)), where)


def _is_name(text: str) -> bool:
    """Letters, digits, `_` and `$`, no digit first."""
    return text.replace("$", "_").isidentifier()


def _is_symbol(token: Token) -> bool:
    return token.text in _SYMBOLS and token.token_type is not TokenType.STRING


_SYMBOLS = frozenset(["=", "<", ">", "<=", ">=", "~", "!", "^"])
"""Tokens that operators of other dialects are made of."""


def _plain(message: str) -> str:
    """sqlglot's message as this project writes its own: lower case first, no full stop."""
    message = message.rstrip(".")
    if message.startswith(("Expecting ", "Expected ")):
        message = "expected " + message.split(" ", 1)[1]
    if message.startswith("Invalid expression"):
        message = "this cannot stand here"
    return message[:1].lower() + message[1:]
