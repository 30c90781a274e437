"""Properties as DescribeConfigs and CreateTopics show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riacho.broker.config.broker_keys import BROKER_KEYS
from riacho.broker.config.settings import Settings, Synonym, describe_value
from riacho.broker.config.topic_keys import TOPIC_KEYS
from riacho.broker.config.types import ConfigSource, ConfigType, UpdateMode

Shown = dict[str, Any]


def shown_topic_configs(
    settings: Settings, overrides: Mapping[str, str], *, synonyms: bool = False, documentation: bool = False
) -> list[Shown]:
    """All properties of a topic that sets `overrides` itself."""
    return [
        _shown(
            key.name,
            key.kind,
            settings.topic_text(key, overrides),
            settings.topic_synonyms(key, overrides),
            synonyms=synonyms,
            documentation=key.documentation if documentation else None,
            read_only=False,
        )
        for key in TOPIC_KEYS.values()
    ]


def shown_broker_configs(settings: Settings, *, synonyms: bool) -> list[Shown]:
    """All properties of this broker."""
    return [
        _shown(
            key.name,
            key.kind,
            settings.text(key.name),
            settings.broker_synonyms(key.name),
            synonyms=synonyms,
            documentation=None,
            read_only=key.mode is UpdateMode.READ_ONLY,
        )
        for key in BROKER_KEYS.values()
    ]


def shown_default_broker_configs(settings: Settings, *, synonyms: bool) -> list[Shown]:
    """The dynamic properties that hold for all brokers."""
    return [
        _shown(
            name,
            BROKER_KEYS[name].kind,
            value,
            [(name, value, ConfigSource.DYNAMIC_DEFAULT_BROKER)],
            synonyms=synonyms,
            documentation=None,
            read_only=False,
        )
        for name, value in sorted(settings.dynamic_default.items())
    ]


def _shown(
    name: str,
    kind: ConfigType,
    value: str | None,
    sources: list[Synonym],
    *,
    synonyms: bool,
    documentation: str | None,
    read_only: bool,
) -> Shown:
    return {
        "name": name,
        "value": describe_value(kind, value),
        "read_only": read_only,
        "config_source": sources[0][2] if sources else ConfigSource.DEFAULT,
        "is_sensitive": kind is ConfigType.PASSWORD,
        "synonyms": [
            {"name": other, "value": describe_value(kind, text), "source": source} for other, text, source in sources
        ]
        if synonyms
        else [],
        "config_type": kind,
        "documentation": documentation,
    }
