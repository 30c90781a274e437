"""The broker's configuration as it stands: static values, dynamic ones, defaults; and what a topic makes of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from riacho.broker.config.broker_keys import BROKER_KEYS
from riacho.broker.config.topic_keys import TOPIC_KEYS
from riacho.broker.config.types import (
    BrokerKey,
    ConfigSource,
    ConfigType,
    InvalidConfigError,
    TopicKey,
    parse,
)
from riacho.broker.hosted_partition import WriteRules
from riacho.errors import UsageError
from riacho.log.config import LogConfig

Synonym = tuple[str, str | None, ConfigSource]
"""A property's name, its value, and where that comes from."""


@dataclass(slots=True)
class Settings:
    """All properties of the broker. Later sources win: defaults, the file and `--set`, dynamic defaults, dynamic."""

    static: Mapping[str, str] = field(default_factory=dict)
    dynamic_default: dict[str, str] = field(default_factory=dict)
    dynamic: dict[str, str] = field(default_factory=dict)
    sync_before_acks_all: bool = True
    """`--fsync acks` (true) or `--fsync kafka`."""
    _fetch_max_bytes: int | None = None

    def text(self, name: str) -> str | None:
        """A broker property's value, unparsed; None where it has none."""
        for source in (self.dynamic, self.dynamic_default, self.static):
            if name in source:
                return source[name]
        return BROKER_KEYS[name].default

    def integer(self, name: str) -> int:
        """A broker property of type int, short or long that has a value."""
        value = self._parsed(name)
        assert isinstance(value, int), f"{name} is not an integer"
        return value

    def boolean(self, name: str) -> bool:
        value = self._parsed(name)
        assert isinstance(value, bool), f"{name} is not a boolean"
        return value

    def _parsed(self, name: str) -> object:
        text = self.text(name)
        assert text is not None, f"{name} has no value"
        return parse(name, BROKER_KEYS[name].kind, text)

    @property
    def fetch_max_bytes(self) -> int:
        """fetch.max.bytes, which every Fetch reads and nothing changes while the broker runs."""
        if self._fetch_max_bytes is None:
            self._fetch_max_bytes = self.integer("fetch.max.bytes")
        return self._fetch_max_bytes

    def broker_synonyms(self, name: str) -> list[Synonym]:
        """Where a broker property's value comes from, the one that holds first, as DescribeConfigs lists them."""
        return self._synonyms((name,))

    def topic_synonyms(self, key: TopicKey, overrides: Mapping[str, str]) -> list[Synonym]:
        """The same for a topic's property; `overrides` is what the topic itself sets.

        As in Kafka the list begins with the first broker property of the chain that is set under that very name:
        `retention.ms`, whose default comes from `log.retention.hours`, shows none.
        """
        found = self._synonyms([name for name, _ in key.synonyms])
        if key.synonyms:
            first = key.synonyms[0][0]
            start = next((at for at, (name, _, _) in enumerate(found) if name == first), len(found))
            found = found[start:]
        if key.name in overrides:
            found.insert(0, (key.name, overrides[key.name], ConfigSource.DYNAMIC_TOPIC))
        return found

    def _synonyms(self, names: Iterable[str]) -> list[Synonym]:
        found: list[Synonym] = []
        sources: tuple[tuple[Mapping[str, str], ConfigSource], ...] = (
            (self.dynamic, ConfigSource.DYNAMIC_BROKER),
            (self.dynamic_default, ConfigSource.DYNAMIC_DEFAULT_BROKER),
            (self.static, ConfigSource.STATIC_BROKER),
        )
        names = list(names)
        for values, source in sources:
            found += [(name, values[name], source) for name in names if name in values]
        for name in names:
            default = BROKER_KEYS[name].default
            if default is not None:
                found.append((name, default, ConfigSource.DEFAULT))
        return found

    def topic_text(self, key: TopicKey, overrides: Mapping[str, str]) -> str:
        """What a topic's property is: its own value, else the broker's, else Kafka's default."""
        if key.name in overrides:
            return overrides[key.name]
        for name, factor in key.synonyms:
            text = self.text(name)
            if text is not None:
                return text if factor == 1 else str(int(text) * factor)
        return key.default

    def topic_value(self, name: str, overrides: Mapping[str, str]) -> object:
        """`topic_text`, as the property's type."""
        key = TOPIC_KEYS[name]
        return parse(name, key.kind, self.topic_text(key, overrides))

    def log_config(self, overrides: Mapping[str, str]) -> LogConfig:
        """What the log of a topic with these overrides obeys."""

        def integer(name: str) -> int:
            value = self.topic_value(name, overrides)
            assert isinstance(value, int)
            return value

        timestamp_type = self.topic_value("message.timestamp.type", overrides)
        assert timestamp_type in ("CreateTime", "LogAppendTime")
        policies = self.topic_value("cleanup.policy", overrides)
        assert isinstance(policies, list)
        return LogConfig(
            segment_bytes=integer("segment.bytes"),
            segment_ms=integer("segment.ms"),
            index_interval_bytes=integer("index.interval.bytes"),
            retention_ms=integer("retention.ms"),
            retention_bytes=integer("retention.bytes"),
            max_message_bytes=integer("max.message.bytes"),
            message_timestamp_type="LogAppendTime" if timestamp_type == "LogAppendTime" else "CreateTime",
            message_timestamp_before_max_ms=integer("message.timestamp.before.max.ms"),
            message_timestamp_after_max_ms=integer("message.timestamp.after.max.ms"),
            cleanup_policy=frozenset(policies),
            compression_type=str(self.topic_value("compression.type", overrides)),
            flush_messages=integer("flush.messages"),
            flush_ms=integer("flush.ms"),
            producer_id_expiration_ms=self.integer("producer.id.expiration.ms"),
        )

    def write_rules(self, overrides: Mapping[str, str]) -> WriteRules:
        """What a topic says about writes: one that sets flush.* itself follows Kafka's rule of syncs alone."""
        messages = self.topic_value("flush.messages", overrides)
        interval = self.topic_value("flush.ms", overrides)
        replicas = self.topic_value("min.insync.replicas", overrides)
        policies = self.topic_value("cleanup.policy", overrides)
        assert isinstance(messages, int)
        assert isinstance(interval, int)
        assert isinstance(replicas, int)
        assert isinstance(policies, list)
        own_rule = "flush.messages" in overrides or "flush.ms" in overrides
        return WriteRules(
            sync_before_acks_all=self.sync_before_acks_all and not own_rule,
            flush_messages=messages,
            flush_ms=interval,
            compacted="compact" in policies,
            min_in_sync_replicas=replicas,
        )


def check_topic_overrides(settings: Settings, overrides: Mapping[str, str | None]) -> None:
    """Raises `InvalidConfigError`, in Kafka's words, for an unknown name, a wrong value, or values in conflict."""
    own: dict[str, str] = {}
    for name, value in overrides.items():
        key = TOPIC_KEYS.get(name)
        if key is None:
            raise InvalidConfigError(f"Unknown topic config name: {name}")
        if value is None:
            raise InvalidConfigError(f"Null value not supported for topic configs: {name}")
        key.check(value)
        own[name] = value
    _check_conflicts(settings, own)


def _check_conflicts(settings: Settings, overrides: Mapping[str, str]) -> None:
    """Properties that are sound by themselves, and not together or not here. Raises `InvalidConfigError`."""
    least = settings.topic_value("min.compaction.lag.ms", overrides)
    most = settings.topic_value("max.compaction.lag.ms", overrides)
    assert isinstance(least, int)
    assert isinstance(most, int)
    if least > most:
        raise InvalidConfigError(
            f"conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
        )
    if settings.topic_value("remote.storage.enable", overrides):
        raise InvalidConfigError(
            "Tiered Storage functionality is disabled in the broker. "
            "Topic cannot be configured with remote log storage."
        )


def read_properties(path: Path) -> dict[str, str]:
    """A file of `name=value` lines, as Kafka's server.properties. Raises `UsageError` with the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"cannot read the configuration: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise UsageError("cannot read the configuration: it is not text", where=str(path)) from error
    properties: dict[str, str] = {}
    for number, line in _logical_lines(lines):
        name, separator, value = line.partition("=")
        if not separator:
            raise UsageError(f"not a property: {line!r}", where=f"{path}:{number}", mend="write name=value, one a line")
        known_broker_key(name.strip(), where=f"{path}:{number}").check(value)
        properties[name.strip()] = value.strip()
    return properties


def _logical_lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines without comments and blanks; one that ends in a backslash goes on in the next."""
    start, text = 0, ""
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not text and (not stripped or stripped[0] in "#!"):
            continue
        start = start if text else number
        if stripped.endswith("\\"):
            text += stripped[:-1]
            continue
        yield start, text + stripped
        text = ""
    if text:
        yield start, text


def parse_assignment(text: str) -> tuple[str, str]:
    """`NAME=VALUE` from the command line, checked. Raises `UsageError`."""
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--set {text}: not a property", mend="write --set NAME=VALUE")
    known_broker_key(name.strip(), where="--set").check(value)
    return name.strip(), value.strip()


def known_broker_key(name: str, *, where: str | None = None) -> BrokerKey:
    """The property of that name. Raises `UsageError`, with the nearest name, where Kafka has none."""
    key = BROKER_KEYS.get(name)
    if key is not None:
        return key
    near = difflib.get_close_matches(name, BROKER_KEYS, n=1, cutoff=0.6)
    if not near and name in TOPIC_KEYS and TOPIC_KEYS[name].synonyms:
        near = [TOPIC_KEYS[name].synonyms[0][0]]
    raise UsageError(f"unknown property {name!r}", where=where, mend=f"did you mean {near[0]}?" if near else None)


def describe_value(kind: ConfigType, text: str | None) -> str | None:
    """A value as DescribeConfigs shows it: secrets are never shown, lists are normalised."""
    if text is None or kind is ConfigType.PASSWORD:
        return None
    if kind is ConfigType.LIST:
        return ",".join(item.strip() for item in text.split(","))
    return text
