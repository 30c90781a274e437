"""Topics, configurations and the cluster, through an admin client and at every version."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
)
from raw_client import RawClient, batch_of, create_topic, produce_values

from riacho.broker.errors import ErrorCode
from riacho.broker.registry import Api, load_apis
from running_broker import RunningBroker, StartBroker

DEADLINE_SECONDS = 60.0


@pytest.fixture
def admin(kafka: RunningBroker) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.bootstrap})


def _only(futures: dict[Any, Future[Any]]) -> Any:
    (future,) = futures.values()
    return future.result(DEADLINE_SECONDS)


def _refusal(futures: dict[Any, Future[Any]]) -> KafkaError:
    with pytest.raises(KafkaException) as refused:
        _only(futures)
    error = refused.value.args[0]
    assert isinstance(error, KafkaError)
    return error


def _configs(admin: AdminClient, kind: ConfigResource.Type, name: str) -> dict[str, Any]:
    configs: dict[str, Any] = _only(admin.describe_configs([ConfigResource(kind, name)]))
    return configs


def _alter(admin: AdminClient, topic: str, name: str, value: str | None, operation: AlterConfigOpType) -> None:
    entry = ConfigEntry(name, value, incremental_operation=operation)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    _only(admin.incremental_alter_configs([resource]))


def test_a_topic_is_made_described_enlarged_and_deleted(admin: AdminClient, topic: str) -> None:
    _only(admin.create_topics([NewTopic(topic, 3, 1)]))
    assert len(admin.list_topics(timeout=DEADLINE_SECONDS).topics[topic].partitions) == 3
    _only(admin.create_partitions([NewPartitions(topic, 5)]))
    assert len(admin.list_topics(timeout=DEADLINE_SECONDS).topics[topic].partitions) == 5
    _only(admin.delete_topics([topic]))
    assert topic not in admin.list_topics(timeout=DEADLINE_SECONDS).topics


def test_a_topic_made_again_begins_empty(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        for _ in range(3):
            create_topic(client, topic)
            answer = client.ask("produce", 7, produce_values(topic, batch_of(b"x"), acks=-1))
            assert answer.responses[0].partition_responses[0].base_offset == 0
            deleted = client.ask("delete_topics", 1, {"topic_names": [topic], "timeout": 1000})
            assert deleted.responses[0].error_code == ErrorCode.none


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (NewTopic("a/b", 1, 1), KafkaError.TOPIC_EXCEPTION),
        (NewTopic("x" * 250, 1, 1), KafkaError.TOPIC_EXCEPTION),
        (NewTopic("too_few", 0, 1), KafkaError.INVALID_PARTITIONS),
        (NewTopic("too_many_replicas", 1, 3), KafkaError.INVALID_REPLICATION_FACTOR),
        (NewTopic("unknown_config", 1, 1, config={"retention": "1"}), KafkaError.INVALID_CONFIG),
        (NewTopic("wrong_config", 1, 1, config={"retention.ms": "soon"}), KafkaError.INVALID_CONFIG),
        (NewTopic("elsewhere", 1, replica_assignment=[[7]]), KafkaError.INVALID_REPLICA_ASSIGNMENT),
    ],
    ids=lambda value: value.topic[:20] if isinstance(value, NewTopic) else "",
)
def test_a_topic_that_cannot_be_is_refused(admin: AdminClient, wrong: NewTopic, code: int) -> None:
    assert _refusal(admin.create_topics([wrong])).code() == code


def test_a_topic_that_exists_or_would_collide_is_refused(admin: AdminClient, topic: str) -> None:
    _only(admin.create_topics([NewTopic(topic, 1, 1)]))
    again = _refusal(admin.create_topics([NewTopic(topic, 1, 1)]))
    assert (again.code(), again.str()) == (
        KafkaError.TOPIC_ALREADY_EXISTS,
        f"Topic '{topic}' already exists.",
    )
    alike = _refusal(admin.create_topics([NewTopic(topic.replace("_", ".", 1), 1, 1)]))
    assert alike.code() == KafkaError.TOPIC_EXCEPTION


def test_validate_only_makes_nothing(admin: AdminClient, topic: str) -> None:
    _only(admin.create_topics([NewTopic(topic, 1, 1)], validate_only=True))
    assert topic not in admin.list_topics(timeout=DEADLINE_SECONDS).topics


def test_fewer_partitions_are_refused(admin: AdminClient, topic: str) -> None:
    _only(admin.create_topics([NewTopic(topic, 3, 1)]))
    for count in (2, 3):
        assert _refusal(admin.create_partitions([NewPartitions(topic, count)])).code() == (
            KafkaError.INVALID_PARTITIONS
        )


def test_a_topics_configuration_shows_where_each_value_comes_from(admin: AdminClient, topic: str) -> None:
    _only(admin.create_topics([NewTopic(topic, 1, 1, config={"retention.ms": "1000"})]))
    configs = _configs(admin, ConfigResource.Type.TOPIC, topic)
    own, default = configs["retention.ms"], configs["segment.bytes"]
    assert (own.value, own.source) == ("1000", ConfigSource.DYNAMIC_TOPIC_CONFIG.value)
    assert (default.value, default.source) == ("1073741824", ConfigSource.DEFAULT_CONFIG.value)
    assert list(default.synonyms) == ["log.segment.bytes"]
    assert configs["message.timestamp.after.max.ms"].value == "3600000"


def test_properties_of_a_topic_are_set_appended_subtracted_and_taken_back(admin: AdminClient, topic: str) -> None:
    _only(admin.create_topics([NewTopic(topic, 1, 1)]))

    def policy() -> str:
        value: str = _configs(admin, ConfigResource.Type.TOPIC, topic)["cleanup.policy"].value
        return value

    _alter(admin, topic, "cleanup.policy", "compact", AlterConfigOpType.APPEND)
    assert policy() == "delete,compact"
    _alter(admin, topic, "cleanup.policy", "delete", AlterConfigOpType.SUBTRACT)
    assert policy() == "compact"
    _alter(admin, topic, "cleanup.policy", None, AlterConfigOpType.DELETE)
    assert policy() == "delete"
    with pytest.raises(KafkaException):
        _alter(admin, topic, "retention.ms", "1", AlterConfigOpType.APPEND)


def test_a_changed_limit_holds_from_the_next_batch_on(kafka: RunningBroker, admin: AdminClient, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        big = produce_values(topic, batch_of(b"x" * 2000))
        assert client.ask("produce", 7, big).responses[0].partition_responses[0].error_code == 0
        _alter(admin, topic, "max.message.bytes", "1000", AlterConfigOpType.SET)
        refused = client.ask("produce", 7, big).responses[0].partition_responses[0]
    assert refused.error_code == ErrorCode.message_too_large


def test_the_brokers_configuration_is_kafkas_and_hides_secrets(kafka: RunningBroker, admin: AdminClient) -> None:
    configs = _configs(admin, ConfigResource.Type.BROKER, "1")
    assert configs["node.id"].value == "1"
    assert configs["log.retention.hours"].value == "168"
    assert configs["advertised.listeners"].value == f"PLAINTEXT://{kafka.bootstrap}"
    assert configs["ssl.key.password"].value is None
    assert configs["node.id"].is_read_only
    assert not configs["message.max.bytes"].is_read_only


def test_the_brokers_dynamic_properties_change_what_topics_inherit(
    broker: Callable[..., RunningBroker], topic: str
) -> None:
    own = broker()
    admin = AdminClient({"bootstrap.servers": own.bootstrap})
    _only(admin.create_topics([NewTopic(topic, 1, 1)]))
    entry = ConfigEntry("message.max.bytes", "5000", incremental_operation=AlterConfigOpType.SET)
    _only(
        admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[entry])])
    )
    own.kill()
    own.start()
    inherited = _configs(admin, ConfigResource.Type.TOPIC, topic)["max.message.bytes"]
    assert (inherited.value, inherited.source) == ("5000", ConfigSource.DYNAMIC_BROKER_CONFIG.value)
    read_only = ConfigEntry("node.id", "2", incremental_operation=AlterConfigOpType.SET)
    refused = _refusal(
        admin.incremental_alter_configs(
            [ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[read_only])]
        )
    )
    assert refused.code() == KafkaError.INVALID_REQUEST


def test_the_cluster_has_one_node_and_an_id(kafka: RunningBroker, admin: AdminClient) -> None:
    cluster = admin.describe_cluster(request_timeout=DEADLINE_SECONDS).result()
    assert [(node.id, f"{node.host}:{node.port}") for node in cluster.nodes] == [(1, kafka.bootstrap)]
    assert cluster.controller.id == 1
    assert len(cluster.cluster_id) == 22


def test_api_versions_lists_what_kafka_4_3_serves(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        answer = client.ask("api_versions", 4, {"client_software_name": "test", "client_software_version": "1"})
    versions = {api.api_key: (api.min_version, api.max_version) for api in answer.api_keys}
    assert versions == {
        0: (0, 13), 1: (4, 18), 2: (1, 11), 3: (0, 13), 8: (2, 10), 9: (1, 10), 10: (0, 6), 11: (0, 9),
        12: (0, 4), 13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5), 18: (0, 4), 19: (2, 7), 20: (1, 6),
        22: (0, 5), 23: (2, 4), 32: (1, 4), 37: (0, 3), 42: (0, 2), 44: (0, 1), 47: (0, 0), 60: (0, 2), 75: (0, 0),
    }  # fmt: skip
    supported = {feature.name: (feature.min_version, feature.max_version) for feature in answer.supported_features}
    assert supported["metadata.version"] == (7, 30)
    assert supported["transaction.version"] == (0, 2)
    finalized = {feature.name: feature.max_version_level for feature in answer.finalized_features}
    assert finalized == {"metadata.version": 30}


@pytest.mark.parametrize("version", range(4))
def test_older_api_versions_leave_out_what_older_clients_cannot_read(kafka: RunningBroker, version: int) -> None:
    with RawClient(kafka.bootstrap) as client:
        values = {"client_software_name": "test", "client_software_version": "1"}
        answer = client.ask("api_versions", version, values)
    features = [feature.name for feature in getattr(answer, "supported_features", ())]
    assert features == (["metadata.version"] if version == 3 else [])


def test_a_client_with_an_impossible_name_is_told(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        values = {"client_software_name": "-", "client_software_version": "1"}
        assert client.ask("api_versions", 3, values).error_code == ErrorCode.invalid_request


def _served_messages() -> list[tuple[str, int]]:
    def versions(api: Api) -> range:
        return range(api.first_version, api.last_version + 1)

    return [(api.name, version) for api in load_apis().values() if api.handle for version in versions(api)]


_FIELDS: dict[str, Any] = {
    "allow_auto_topic_creation": False,
    "include_cluster_authorized_operations": True,
    "include_topic_authorized_operations": True,
    "timeout": 1000,
    "validate_only": False,
    "replica_id": -1,
    "isolation_level": 0,
    "include_synonyms": True,
    "include_documentation": True,
    "transactional_id": None,
    "transaction_timeout": 1000,
    "producer_id": -1,
    "producer_epoch": -1,
    "client_software_name": "test",
    "client_software_version": "1",
    "response_partition_limit": 2000,
    "cursor": None,
    "endpoint_type": 1,
    "include_fenced_brokers": False,
}


def _request_about(api: str, topic: str, version: int) -> dict[str, Any]:
    """A sensible request of any version of the APIs that are not about groups."""
    offsets = {"partition_index": 0, "current_leader_epoch": -1, "timestamp": -1, "max_num_offsets": 1}
    epochs = {"partition": 0, "current_leader_epoch": -1, "leader_epoch": 0}
    topic_config = {"name": "retention.ms", "value": "1000", "config_operation": 0}
    about: dict[str, dict[str, Any]] = {
        "metadata": {"topics": [{"name": topic, "topic_id": None}]},
        "list_offsets": {"topics": [{"name": topic, "partitions": [offsets]}]},
        "offset_for_leader_epoch": {"topics": [{"topic": topic, "partitions": [epochs]}]},
        "create_topics": {
            "topics": [
                {
                    "name": f"{topic}_{version}_new",
                    "num_partitions": 1,
                    "replication_factor": 1,
                    "assignments": [],
                    "configs": [topic_config],
                }
            ]
        },
        "delete_topics": {
            "topic_names": [f"{topic}_{version}_old"],
            "topics": [{"name": f"{topic}_{version}_old", "topic_id": None}],
        },
        "create_partitions": {"topics": [{"name": topic, "count": 2 + version, "assignments": None}]},
        "describe_configs": {
            "resources": [
                {"resource_type": kind, "resource_name": name, "configuration_keys": None}
                for kind, name in ((2, topic), (4, "1"), (4, ""))
            ]
        },
        "incremental_alter_configs": {
            "resources": [{"resource_type": 2, "resource_name": topic, "configs": [topic_config]}]
        },
        "describe_topic_partitions": {"topics": [{"name": topic}]},
    }
    return _FIELDS | about.get(api, {})


_OWN_APIS = (
    "metadata",
    "list_offsets",
    "offset_for_leader_epoch",
    "create_topics",
    "delete_topics",
    "create_partitions",
    "describe_configs",
    "incremental_alter_configs",
    "describe_topic_partitions",
    "describe_cluster",
    "init_producer_id",
    "api_versions",
)


@pytest.mark.parametrize(
    ("api", "version"),
    [served for served in _served_messages() if served[0] in _OWN_APIS],
    ids=lambda value: str(value),
)
def test_every_version_of_every_message_is_answered_without_an_error(
    kafka: RunningBroker, api: str, version: int
) -> None:
    with RawClient(kafka.bootstrap) as client:
        topic = f"every_version_{api}"
        for name in (topic, f"{topic}_{version}_old"):
            client.ask("metadata", 4, {"topics": [{"name": name}], "allow_auto_topic_creation": True})
        answer = client.ask(api, version, _request_about(api, topic, version))
    assert _error_codes(answer) <= {ErrorCode.none}, answer


def _error_codes(entity: Any) -> set[int]:
    """Every error code anywhere in an answer."""
    codes: set[int] = set()
    for name in getattr(entity, "__slots__", ()):
        value = getattr(entity, name)
        if name == "error_code":
            codes.add(value)
        elif isinstance(value, tuple):
            codes.update(*(_error_codes(item) for item in value), ())
    return codes


def test_topics_are_described_page_by_page(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, partitions=5)
        request = {"topics": [{"name": topic}], "response_partition_limit": 2}
        cursor: dict[str, Any] | None = None
        pages = []
        while True:
            answer = client.ask("describe_topic_partitions", 0, request | {"cursor": cursor})
            pages.append([partition.partition_index for partition in answer.topics[0].partitions])
            if answer.next_cursor is None:
                break
            after = answer.next_cursor
            cursor = {"topic_name": after.topic_name, "partition_index": after.partition_index}
    assert pages == [[0, 1], [2, 3], [4]]


def test_a_page_is_never_empty(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, partitions=2)
        request = {"topics": [{"name": topic}], "response_partition_limit": 0, "cursor": None}
        answer = client.ask("describe_topic_partitions", 0, request)
    assert [partition.partition_index for partition in answer.topics[0].partitions] == [0]
    assert answer.next_cursor.partition_index == 1


@pytest.mark.parametrize("cursor", [("another", 0), (None, -1)], ids=["of another topic", "before the first"])
def test_a_cursor_that_cannot_be_is_told(kafka: RunningBroker, topic: str, cursor: tuple[str | None, int]) -> None:
    name, index = cursor
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        request = {
            "topics": [{"name": topic}],
            "response_partition_limit": 10,
            "cursor": {"topic_name": name or topic, "partition_index": index},
        }
        answer = client.ask("describe_topic_partitions", 0, request)
    assert [each.error_code for each in answer.topics] == [ErrorCode.invalid_request]


def test_a_topic_asked_for_many_times_is_told_once(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        answer = client.ask("metadata", 7, {"topics": [{"name": topic}] * 1000, "allow_auto_topic_creation": False})
    assert [each.name for each in answer.topics] == [topic]


@pytest.mark.parametrize("version", [10, 11])
def test_a_topic_is_not_asked_for_by_id_before_version_12(kafka: RunningBroker, version: int) -> None:
    with RawClient(kafka.bootstrap) as client:
        answer = client.ask("metadata", version, _FIELDS | {"topics": [{"name": None, "topic_id": UUID(int=7)}]})
    assert [each.error_code for each in answer.topics] == [ErrorCode.invalid_request]


def test_a_name_that_would_collide_is_merely_unknown_to_who_makes_nothing(kafka: RunningBroker, topic: str) -> None:
    alike = topic.replace("_", ".", 1)
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        codes = [
            client.ask("metadata", 7, {"topics": [{"name": alike}], "allow_auto_topic_creation": create})
            .topics[0]
            .error_code
            for create in (False, True)
        ]
    assert codes == [ErrorCode.unknown_topic_or_partition, ErrorCode.invalid_topic_exception]


@pytest.mark.parametrize(("version", "code"), [(2, ErrorCode.invalid_request), (3, ErrorCode.topic_deletion_disabled)])
def test_deletion_can_be_switched_off(broker: StartBroker, topic: str, version: int, code: ErrorCode) -> None:
    own = broker("--set", "delete.topic.enable=false")
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic)
        answer = client.ask("delete_topics", version, {"topic_names": [topic], "timeout": 1000})
    assert answer.responses[0].error_code == code


@pytest.mark.parametrize(("known", "code"), [((-1, -1), 0), ((7, -1), 42), ((-1, 7), 42), ((7, 7), 0)])
def test_a_producer_names_its_id_and_epoch_or_neither(kafka: RunningBroker, known: tuple[int, int], code: int) -> None:
    with RawClient(kafka.bootstrap) as client:
        values = _FIELDS | {"producer_id": known[0], "producer_epoch": known[1]}
        assert client.ask("init_producer_id", 4, values).error_code == code


def test_a_partition_asked_for_twice_is_told(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, partitions=2)
        asked = [{"partition_index": index, "current_leader_epoch": -1, "timestamp": -1} for index in (0, 1, 0)]
        answer = client.ask("list_offsets", 7, _FIELDS | {"topics": [{"name": topic, "partitions": asked}]})
    codes = {partition.partition_index: partition.error_code for partition in answer.topics[0].partitions}
    assert codes == {0: ErrorCode.invalid_request, 1: ErrorCode.none}


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ({"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"}, "conflict topic config setting"),
        ({"remote.storage.enable": "true"}, "Tiered Storage functionality is disabled"),
    ],
    ids=["two that contradict each other", "tiered storage"],
)
def test_properties_in_conflict_are_refused(
    admin: AdminClient, topic: str, configs: dict[str, str], message: str
) -> None:
    made = _refusal(admin.create_topics([NewTopic(topic, 1, 1, config=configs)]))
    assert made.code() == KafkaError.INVALID_CONFIG
    assert message in made.str()
    _only(admin.create_topics([NewTopic(topic, 1, 1)]))
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in configs.items()]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    assert _refusal(admin.incremental_alter_configs([resource])).code() == KafkaError.INVALID_CONFIG


def test_a_property_changed_twice_in_one_request_is_refused(kafka: RunningBroker, topic: str) -> None:
    change = {"name": "retention.ms", "value": "1000", "config_operation": 0}
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        resources = [{"resource_type": 2, "resource_name": topic, "configs": [change, change]}]
        answer = client.ask("incremental_alter_configs", 1, {"resources": resources, "validate_only": False})
    assert answer.responses[0].error_code == ErrorCode.invalid_request
    assert answer.responses[0].error_message == "Error due to duplicate config keys"


def test_transactions_are_not_authorized(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        values = {"transactional_id": "t", "transaction_timeout": 1000}
        answer = client.ask("init_producer_id", 1, values)
    assert answer.error_code == ErrorCode.transactional_id_authorization_failed


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [(-1, 3), (-2, 0), (-3, 2), (-4, 0), (-5, -1), (-6, -1), (150, 1), (301, -1)],
)
def test_list_offsets_knows_kafkas_special_times(
    kafka: RunningBroker, topic: str, timestamp: int, expected: int
) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        for time_ms in (100, 200, 300):
            client.ask("produce", 7, produce_values(topic, batch_of(b"x", timestamp_ms=time_ms)))
        partition = {"partition_index": 0, "current_leader_epoch": -1, "timestamp": timestamp}
        values = _FIELDS | {"topics": [{"name": topic, "partitions": [partition]}]}
        answer = client.ask("list_offsets", 11, values)
    assert answer.topics[0].partitions[0].offset == expected
