"""Where the broker lives, from the command line or from Kafka's own properties for it: the command line wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from riacho.errors import UsageError
from riacho.host.address import WILDCARDS, parse_address

DEFAULT_DIRECTORY = Path(".riacho")
DEFAULT_ADDRESS = ("127.0.0.1", 9092)
_PLAINTEXT = "PLAINTEXT"


def directory_from(option: Path | None, properties: Mapping[str, str]) -> Path:
    """`--dir`, or `log.dirs`, or `log.dir`, or `.riacho`. Raises `UsageError` for several directories."""
    if option is not None:
        return option
    named = properties.get("log.dirs") or properties.get("log.dir")
    if named is None:
        return DEFAULT_DIRECTORY
    if "," in named:
        raise UsageError(f"log.dirs={named}: there is one directory", mend="name one, or use --dir")
    return Path(named)


def listen_address(option: str | None, properties: Mapping[str, str]) -> tuple[str, int]:
    """`--listen`, or `listeners`, or 127.0.0.1:9092. Raises `UsageError`."""
    if option is not None:
        return _address(option, "--listen")
    return _listener(properties, "listeners") or DEFAULT_ADDRESS


def advertised_address(option: str | None, properties: Mapping[str, str]) -> tuple[str, int] | None:
    """`--advertise`, or `advertised.listeners`; None where neither is given. Raises `UsageError`."""
    if option is not None:
        name, address = "--advertise", _address(option, "--advertise")
    else:
        name, listener = "advertised.listeners", _listener(properties, "advertised.listeners")
        if listener is None:
            return None
        address = listener
    if address[0] in WILDCARDS:
        raise UsageError(f"{name}: clients cannot connect to every address", mend=f"write {name} with a host's name")
    return address


def check_identity(properties: Mapping[str, str], node_id: int) -> None:
    """Raises `UsageError` where the properties speak of another node than this broker is."""
    for name in ("node.id", "broker.id"):
        if properties.get(name, str(node_id)) not in (str(node_id), "-1"):
            raise UsageError(f"{name}={properties[name]}: the one node is {node_id}", mend=f"leave {name} out")


def _listener(properties: Mapping[str, str], name: str) -> tuple[str, int] | None:
    """The one listener for clients. Controllers have none here: there is no other node to talk to."""
    value = properties.get(name)
    if value is None:
        return None
    controllers = _items(properties.get("controller.listener.names", ""))
    protocols = dict(
        item.split(":", 1) for item in _items(properties.get("listener.security.protocol.map", "")) if ":" in item
    )
    listeners = [listener.partition("://") for listener in _items(value)]
    ours = [(listener, address) for listener, _, address in listeners if listener not in controllers]
    if len(ours) != 1 or protocols.get(ours[0][0], ours[0][0]) != _PLAINTEXT:
        raise UsageError(f"{name}={value}: one PLAINTEXT listener is served", mend=f"write {_PLAINTEXT}://HOST:PORT")
    return _address(ours[0][1], name)


def _address(text: str, option: str) -> tuple[str, int]:
    try:
        return parse_address(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: not an address", mend=f"write {option} HOST:PORT") from error


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
