"""What a configuration property is: its name, its type, its default, who may change it, which values it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum

from riacho.errors import UsageError


class ConfigType(IntEnum):
    """A property's type, numbered as DescribeConfigs numbers it (KIP-569)."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class ConfigSource(IntEnum):
    """Where a value comes from, numbered as DescribeConfigs numbers it (KIP-226)."""

    DYNAMIC_TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5


class UpdateMode(Enum):
    """Whether a broker's property may change while it runs (KIP-226)."""

    READ_ONLY = "read-only"
    PER_BROKER = "per-broker"
    CLUSTER_WIDE = "cluster-wide"


class InvalidConfigError(UsageError):
    """A property's name or value is not one that Kafka knows."""


_RANGES = {ConfigType.INT: 31, ConfigType.SHORT: 15, ConfigType.LONG: 63}


def parse(name: str, kind: ConfigType, text: str) -> bool | int | float | str | list[str]:
    """A value as its property's type. Raises `InvalidConfigError`.

    >>> parse("retention.ms", ConfigType.LONG, " -1 ")
    -1
    >>> parse("cleanup.policy", ConfigType.LIST, "compact, delete")
    ['compact', 'delete']
    """
    stripped = text.strip()
    try:
        match kind:
            case ConfigType.BOOLEAN:
                return {"true": True, "false": False}[stripped.lower()]
            case ConfigType.INT | ConfigType.SHORT | ConfigType.LONG:
                number = int(stripped)
                bound = 1 << _RANGES[kind]
                if not -bound <= number < bound:
                    raise InvalidConfigError(f"Invalid value {text} for configuration {name}: it is out of range")
                return number
            case ConfigType.DOUBLE:
                return float(stripped)
            case ConfigType.LIST:
                return [item.strip() for item in stripped.split(",")] if stripped else []
            case _:
                return stripped
    except (KeyError, ValueError):
        raise InvalidConfigError(
            f"Invalid value {text} for configuration {name}: Not a value of type {kind.name}"
        ) from None


Check = Callable[[object], str | None]
"""What is wrong with a parsed value, in Kafka's words; None where nothing is."""


def at_least(lowest: float) -> Check:
    """A number that is not below the limit."""

    def check(value: object) -> str | None:
        assert isinstance(value, int | float)
        return f"Value must be at least {lowest}" if value < lowest else None

    return check


def between(lowest: float, highest: float) -> Check:
    """A number within both limits."""

    def check(value: object) -> str | None:
        assert isinstance(value, int | float)
        if value < lowest:
            return f"Value must be at least {lowest}"
        return f"Value must be no more than {highest}" if value > highest else None

    return check


def one_of(*choices: str) -> Check:
    """One of these words."""

    def check(value: object) -> str | None:
        return None if value in choices else f"String must be one of: {', '.join(choices)}"

    return check


def any_of(*choices: str) -> Check:
    """A list of some of these words."""

    def check(value: object) -> str | None:
        assert isinstance(value, list)
        return None if set(value) <= set(choices) else f"String must be one of: {', '.join(choices)}"

    return check


def _check(name: str, kind: ConfigType, text: str, valid: Check | None) -> None:
    value = parse(name, kind, text)
    problem = valid(value) if valid is not None else None
    if problem is not None:
        raise InvalidConfigError(f"Invalid value {text} for configuration {name}: {problem}")


@dataclass(frozen=True, slots=True)
class BrokerKey:
    """A property of the broker."""

    name: str
    kind: ConfigType
    default: str | None
    mode: UpdateMode
    valid: Check | None = None

    def check(self, text: str) -> None:
        """Raises `InvalidConfigError` where `text` is not a value that this property takes."""
        _check(self.name, self.kind, text, self.valid)


@dataclass(frozen=True, slots=True)
class TopicKey:
    """A property of a topic, and the broker's properties that give its default."""

    name: str
    kind: ConfigType
    default: str
    synonyms: tuple[tuple[str, int], ...]
    """The broker's properties, the first that is set wins, and by what to multiply each one's value."""
    documentation: str
    valid: Check | None = None

    def check(self, text: str) -> None:
        """Raises `InvalidConfigError` where `text` is not a value that this property takes."""
        _check(self.name, self.kind, text, self.valid)
