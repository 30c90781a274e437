"""Consumer groups from outside: their members, and the offsets that a simple consumer commits for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.errors import check, kafka_error
from riacho.client.messages import Message
from riacho.client.offsets import by_topic
from riacho.client.retry import Backoff

_GROUP: Final = 0
_NO_GENERATION: Final = -1
_NO_OFFSET: Final = -1
_MOVED: Final = frozenset({"NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"})


class CommittedOffset(NamedTuple):
    """A group's offset in a partition: the next one to read, its leader epoch (-1: unknown), and a note."""

    offset: int
    leader_epoch: int = -1
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group's name, protocol type (`consumer` for consumers) and state."""

    name: str
    protocol_type: str
    state: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group; `assignment` in the consumer protocol's own format."""

    id: str
    client_id: str
    host: str
    assignment: bytes


@dataclass(frozen=True, slots=True)
class Group:
    """A group as DescribeGroups tells it; the state is `Dead` where there is none of that name."""

    name: str
    protocol_type: str
    protocol: str
    state: str
    members: tuple[Member, ...]


class Groups:
    """The groups of a cluster. Every method raises `KafkaError` where the broker refuses."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._coordinators: dict[str, int] = {}

    def list(self) -> Sequence[ListedGroup]:
        """The groups of all brokers, by name."""
        self._cluster.refresh([])
        groups = []
        for node in self._cluster.brokers:
            response = self._cluster.call("ListGroups", node=node, states_filter=[], types_filter=[])
            check(response.error_code, "the groups cannot be listed")
            groups += [ListedGroup(group.group_id, group.protocol_type, group.group_state) for group in response.groups]
        return sorted(groups, key=lambda group: group.name)

    def describe(self, name: str) -> Group:
        """A group and its members."""
        response = self._call(
            name,
            "DescribeGroups",
            lambda answer: [group.error_code for group in answer.groups],
            groups=[name],
            include_authorized_operations=False,
        )
        (group,) = response.groups
        if kafka_error(group.error_code).name != "GROUP_ID_NOT_FOUND":
            check(group.error_code, where=name)
        return Group(
            name,
            group.protocol_type,
            group.protocol_data,
            group.group_state,
            tuple(
                Member(
                    member.member_id,
                    member.client_id,
                    member.client_host,
                    bytes(member.member_assignment),
                )
                for member in group.members
            ),
        )

    def delete(self, name: str) -> None:
        """Delete a group that has no members, with its offsets."""
        response = self._call(
            name,
            "DeleteGroups",
            lambda answer: [group.error_code for group in answer.results],
            groups_names=[name],
        )
        for group in response.results:
            check(group.error_code, "the group cannot be deleted", where=name)

    def commit_offsets(self, name: str, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        """Commit offsets for a group without being a member: it must have none."""
        entries: dict[TopicPartition, dict[str, Any]] = {
            partition: {
                "partition_index": partition.partition,
                "committed_offset": committed.offset,
                "committed_leader_epoch": committed.leader_epoch,
                "committed_metadata": committed.metadata,
            }
            for partition, committed in offsets.items()
        }
        response = self._call(
            name,
            "OffsetCommit",
            lambda answer: [part.error_code for topic in answer.topics for part in topic.partitions],
            group_id=name,
            generation_id=_NO_GENERATION,
            generation_id_or_member_epoch=_NO_GENERATION,
            member_id="",
            group_instance_id=None,
            topics=by_topic(entries, "name"),
        )
        for topic in response.topics:
            for answer in topic.partitions:
                where = f"group {name!r}, {topic.name}-{answer.partition_index}"
                check(answer.error_code, "the offset is not committed", where=where)

    def fetch_offsets(
        self, name: str, partitions: Iterable[TopicPartition] | None = None
    ) -> dict[TopicPartition, CommittedOffset]:
        """The offsets that a group has committed, of these partitions or of all; those without one are left out."""
        topics = None
        if partitions is not None:
            indexes: defaultdict[str, Any] = defaultdict(list)
            for partition in partitions:
                indexes[partition.topic].append(partition.partition)
            topics = [{"name": topic, "partition_indexes": found} for topic, found in indexes.items()]
        response = self._call(
            name,
            "OffsetFetch",
            lambda answer: [group.error_code for group in answer.groups],
            groups=[{"group_id": name, "member_id": None, "member_epoch": -1, "topics": topics}],
            require_stable=True,
        )
        (group,) = response.groups
        check(group.error_code, "the group's offsets cannot be read", where=name)
        found_offsets = {}
        for topic in group.topics:
            for answer in topic.partitions:
                partition = TopicPartition(topic.name, answer.partition_index)
                check(answer.error_code, where=f"group {name!r}, {partition}")
                if answer.committed_offset != _NO_OFFSET:
                    found_offsets[partition] = CommittedOffset(
                        answer.committed_offset, answer.committed_leader_epoch, answer.metadata or ""
                    )
        return found_offsets

    def _call(self, name: str, api_name: str, codes: Callable[[Message], Sequence[int]], **content: Any) -> Message:
        """Call the group's coordinator; find it again where it has moved or loads its groups."""
        backoff = Backoff(self._cluster.config)
        while True:
            response = self._cluster.call(api_name, node=self._coordinator(name), **content)
            if not any(code and kafka_error(code).name in _MOVED for code in codes(response)):
                return response
            self._coordinators.pop(name, None)
            if not self._cluster.pause(backoff):
                return response

    def _coordinator(self, name: str) -> int:
        node = self._coordinators.get(name)
        backoff = Backoff(self._cluster.config)
        while node is None or node not in self._cluster.brokers:
            response = self._cluster.call("FindCoordinator", key_type=_GROUP, coordinator_keys=[name])
            (found,) = response.coordinators
            if found.error_code:
                error = kafka_error(found.error_code, found.error_message, where=f"group {name!r}")
                if not (error.retriable and self._cluster.pause(backoff)):
                    raise error
                continue
            node = int(found.node_id)
            self._coordinators[name] = node
            if node not in self._cluster.brokers:
                self._cluster.refresh([])
                if node not in self._cluster.brokers and not self._cluster.pause(backoff):
                    break
        assert node is not None
        return node
