"""Connectors by name: the options that each takes, and the source or sink that a table's options describe."""

from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.registry import check_table, connectors, open_sink, open_source

__all__ = ["ConnectorEnvironment", "check_table", "connectors", "open_sink", "open_source"]
