"""The topic properties of Apache Kafka 4.3 (its documentation, "Topic Configs"): names, types, defaults, synonyms."""

from __future__ import annotations

from riacho.broker.config.types import Check, ConfigType, TopicKey, any_of, at_least, between, one_of

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_LONGEST = str(2**63 - 1)
SMALLEST_SEGMENT = 1 << 20
"""KIP-1030: a smaller segment is a mistake in production."""


def _key(
    name: str,
    kind: ConfigType,
    default: str,
    synonyms: str | tuple[tuple[str, int], ...],
    documentation: str,
    valid: Check | None = None,
) -> TopicKey:
    if isinstance(synonyms, str):
        synonyms = ((synonyms, 1),) if synonyms else ()
    return TopicKey(name, kind, default, synonyms, documentation, valid)


def _replicas(value: object) -> str | None:
    assert isinstance(value, list)
    if value in ([], ["*"]) or all(_is_pair(item) for item in value):
        return None
    return "it must be the literal '*' or a list of pairs partition:broker"


def _is_pair(text: str) -> bool:
    left, colon, right = text.partition(":")
    return bool(colon) and left.isdigit() and right.isdigit()


_KEYS = (
    _key("cleanup.policy", ConfigType.LIST, "delete", "log.cleanup.policy",
         "What happens to old segments: 'delete' drops them by age and size, 'compact' keeps the latest value per key.",
         any_of("compact", "delete")),
    _key("compression.gzip.level", ConfigType.INT, "-1", "compression.gzip.level",
         "The level of gzip where compression.type is gzip."),
    _key("compression.lz4.level", ConfigType.INT, "9", "compression.lz4.level",
         "The level of lz4 where compression.type is lz4.", between(1, 17)),
    _key("compression.type", ConfigType.STRING, "producer", "compression.type",
         "The codec that batches are stored with; 'producer' keeps the one they came with.",
         one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")),
    _key("compression.zstd.level", ConfigType.INT, "3", "compression.zstd.level",
         "The level of zstd where compression.type is zstd.", between(-131072, 22)),
    _key("delete.retention.ms", ConfigType.LONG, "86400000", "log.cleaner.delete.retention.ms",
         "How long a compacted topic keeps tombstones.", at_least(0)),
    _key("file.delete.delay.ms", ConfigType.LONG, "60000", "log.segment.delete.delay.ms",
         "How long a deleted segment's file stays on disk.", at_least(0)),
    _key("flush.messages", ConfigType.LONG, _LONGEST, "log.flush.interval.messages",
         "Fsync after this many records.", at_least(1)),
    _key("flush.ms", ConfigType.LONG, _LONGEST,
         (("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)),
         "Fsync what has been in the page cache for this long.", at_least(0)),
    _key("follower.replication.throttled.replicas", ConfigType.LIST, "", "",
         "Replicas whose replication is throttled on the follower's side.", _replicas),
    _key("index.interval.bytes", ConfigType.INT, "4096", "log.index.interval.bytes",
         "How many bytes of log one index entry stands for.", at_least(0)),
    _key("leader.replication.throttled.replicas", ConfigType.LIST, "", "",
         "Replicas whose replication is throttled on the leader's side.", _replicas),
    _key("local.retention.bytes", ConfigType.LONG, "-2", "log.local.retention.bytes",
         "With tiered storage: the size of the local log; -2 stands for retention.bytes.", at_least(-2)),
    _key("local.retention.ms", ConfigType.LONG, "-2", "log.local.retention.ms",
         "With tiered storage: the age of the local log; -2 stands for retention.ms.", at_least(-2)),
    _key("max.compaction.lag.ms", ConfigType.LONG, _LONGEST, "log.cleaner.max.compaction.lag.ms",
         "After how long, at most, a record is up for compaction.", at_least(1)),
    _key("max.message.bytes", ConfigType.INT, "1048588", "message.max.bytes",
         "The largest record batch, as it is stored.", at_least(0)),
    _key("message.timestamp.after.max.ms", ConfigType.LONG, "3600000", "log.message.timestamp.after.max.ms",
         "How far a record's timestamp may lie ahead of the broker's clock.", at_least(0)),
    _key("message.timestamp.before.max.ms", ConfigType.LONG, _LONGEST, "log.message.timestamp.before.max.ms",
         "How far a record's timestamp may lie behind the broker's clock.", at_least(0)),
    _key("message.timestamp.type", ConfigType.STRING, "CreateTime", "log.message.timestamp.type",
         "Whether timestamps are the producer's or the log's.", one_of("CreateTime", "LogAppendTime")),
    _key("min.cleanable.dirty.ratio", ConfigType.DOUBLE, "0.5", "log.cleaner.min.cleanable.ratio",
         "How much of a compacted log must be dirty before it is compacted.", between(0, 1)),
    _key("min.compaction.lag.ms", ConfigType.LONG, "0", "log.cleaner.min.compaction.lag.ms",
         "How long a record is safe from compaction.", at_least(0)),
    _key("min.insync.replicas", ConfigType.INT, "1", "min.insync.replicas",
         "How many replicas must have a batch before acks=all is answered.", at_least(1)),
    _key("preallocate", ConfigType.BOOLEAN, "false", "log.preallocate",
         "Whether a new segment's file takes its full size at once."),
    _key("remote.log.copy.disable", ConfigType.BOOLEAN, "false", "",
         "With tiered storage: copy nothing more to it."),
    _key("remote.log.delete.on.disable", ConfigType.BOOLEAN, "false", "",
         "With tiered storage: delete what it holds when it is switched off."),
    _key("remote.storage.enable", ConfigType.BOOLEAN, "false", "", "Whether the topic uses tiered storage."),
    _key("retention.bytes", ConfigType.LONG, "-1", "log.retention.bytes",
         "The size up to which a partition's log grows; -1 is no limit."),
    _key("retention.ms", ConfigType.LONG, "604800000",
         (("log.retention.ms", 1), ("log.retention.minutes", _MINUTE_MS), ("log.retention.hours", _HOUR_MS)),
         "How long records are kept; -1 is for ever.", at_least(-1)),
    _key("segment.bytes", ConfigType.INT, "1073741824", "log.segment.bytes",
         "The size at which a new segment file begins.", at_least(SMALLEST_SEGMENT)),
    _key("segment.index.bytes", ConfigType.INT, "10485760", "log.index.size.max.bytes",
         "The largest size of a segment's index.", at_least(4)),
    _key("segment.jitter.ms", ConfigType.LONG, "0",
         (("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", _HOUR_MS)),
         "The largest random time by which a segment begins early.", at_least(0)),
    _key("segment.ms", ConfigType.LONG, "604800000", (("log.roll.ms", 1), ("log.roll.hours", _HOUR_MS)),
         "The age at which a new segment file begins.", at_least(1)),
    _key("unclean.leader.election.enable", ConfigType.BOOLEAN, "false", "unclean.leader.election.enable",
         "Whether a replica that is not in sync may become the leader."),
)  # fmt: skip

TOPIC_KEYS = {key.name: key for key in _KEYS}
"""By name, in Kafka's order of names."""
