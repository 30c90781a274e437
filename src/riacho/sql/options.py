"""What SET may change: each key is honoured, harmless, limited or refused. None is silently ignored.

Source: Flink 2.2, "Configuration" of the Table API and of deployment, "Python Configuration" and "SQL Client
Configuration".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from riacho.sql.errors import did_you_mean
from riacho.sql.option_values import (
    Read,
    anything,
    boolean,
    count,
    duration,
    integer,
    number,
    one_of,
    only,
    refused,
    size,
    zone,
)


class Effect(Enum):
    """What setting a key does."""

    HONOURED = "honoured"
    HARMLESS = "harmless"
    """Any of its values gives the same results here."""
    LIMITED = "limited"
    """Only some of its values are possible; the others are errors that say why."""


@dataclass(frozen=True, slots=True)
class Option:
    """A key of SET. `read` gives the value's normalized text, or raises `ValueError`; `about` is for its page."""

    key: str
    read: Read
    default: str
    effect: Effect = Effect.HARMLESS
    about: str = ""


_NO_JVM = "there is no JVM"
_ONE_PROCESS = "a job is one process"
_OWN_SNAPSHOTS = "a job goes on from its own newest snapshot"

_HONOURED = (
    Option(
        "execution.runtime-mode",
        one_of("streaming", "batch"),
        "streaming",
        about="whether a job goes on with its tables, or gives [its final rows once](batch.md)",
    ),
    Option("table.local-time-zone", zone, "default", about="the session's zone; UTC where it is not set"),
    Option(
        "table.exec.mini-batch.enabled",
        boolean,
        "false",
        about="hold input until one of the next two limits is reached; `false`: take what has arrived",
    ),
    Option("table.exec.mini-batch.allow-latency", duration, "0", about="how long the oldest row waits at most"),
    Option("table.exec.mini-batch.size", integer, "-1", about="how many rows make a batch"),
    Option(
        "table.exec.source.idle-timeout",
        duration,
        "0",
        about="after how long a silent partition holds the watermark back no more; 0: never",
    ),
    Option(
        "table.exec.source.cdc-events-duplicate",
        boolean,
        "false",
        about="whether events of [changed tables](connectors.md#debezium-json) may come again, which their primary key "
        "then tells apart",
    ),
    Option(
        "table.exec.sink.not-null-enforcer",
        one_of("ERROR", "DROP"),
        "ERROR",
        about="a row with NULL for a NOT NULL column fails the job, or is left out; the first is logged",
    ),
    Option(
        "table.exec.sink.type-length-enforcer",
        one_of("IGNORE", "TRIM_PAD", "ERROR"),
        "IGNORE",
        about="a value that has not the length of the CHAR, VARCHAR, BINARY or VARBINARY column it is written to is "
        "taken as it is, is cut or filled, or fails the job",
    ),
    *(
        Option(
            f"table.exec.emit.{when}-fire.enabled",
            boolean,
            "false",
            about=f"whether [windows of GROUP BY](windows.md#early-and-late-results) give their row {what} as well",
        )
        for when, what in (("early", "before they close"), ("late", "when late rows change it"))
    ),
    *(
        Option(f"table.exec.emit.{when}-fire.delay", duration, "", about=f"{what}; 0: with every change")
        for when, what in (("early", "after how long"), ("late", "after how long, from the late row on"))
    ),
    Option(
        "table.exec.emit.allow-lateness",
        duration,
        "",
        about="how late rows may be, with late-fire; `table.exec.state.ttl` where it is not set",
    ),
    Option(
        "table.exec.state.ttl",
        duration,
        "0",
        about="[how long state is kept](state.md) that nobody writes to; 0: for ever",
    ),
    Option(
        "table.exec.sink.upsert-materialize",
        one_of("AUTO", "NONE", "FORCE"),
        "AUTO",
        about="whether rows that [share a primary key](changelogs.md#several-rows-of-one-primary-key) are kept",
    ),
    Option(
        "table.optimizer.delta-join.strategy",
        one_of("AUTO", "FORCE", "NONE"),
        "AUTO",
        about="with `NONE` joins by [different keys](joins.md#several-joins) keep what they give each other",
    ),
)

_LIMITED = (
    Option(
        "execution.checkpointing.mode",
        one_of("AT_LEAST_ONCE"),
        "AT_LEAST_ONCE",
        about="results are repeated after a kill, not after a stop",
    ),
    Option(
        "table.exec.sink.nested-constraint-enforcer",
        one_of("IGNORE"),
        "IGNORE",
        about="the two enforcers look at columns, not into rows and arrays",
    ),
    Option("table.exec.legacy-cast-behaviour", one_of("DISABLED"), "DISABLED", about="CAST is as since Flink 1.15"),
    Option("table.sql-dialect", one_of("default"), "default", about="Flink's own"),
    Option("table.exec.sort.default-limit", only(integer, "-1", "write LIMIT"), "-1", about="no LIMIT is added"),
    Option(
        "table.column-expansion-strategy",
        refused("`*` is every column"),
        "",
        about="`*` leaves no column out",
    ),
    Option(
        "table.dynamic-table-options.enabled",
        only(boolean, "true", "a hint that is written counts"),
        "true",
        about="OPTIONS hints count",
    ),
    Option(
        "table.legacy-nested-row-nullability",
        only(boolean, "false", "a ROW has the nullability that it is declared with"),
        "false",
        about="a ROW has the nullability that it is declared with",
    ),
    Option(
        "table.builtin-catalog-name",
        one_of("default_catalog"),
        "default_catalog",
        about="write CREATE CATALOG for another",
    ),
    Option(
        "table.builtin-database-name",
        one_of("default_database"),
        "default_database",
        about="write CREATE DATABASE for another",
    ),
    Option("table.catalog-store.kind", one_of("generic_in_memory"), "generic_in_memory", about="nothing is stored"),
    Option("table.catalog-store.file.path", refused("nothing is stored"), "", about="nothing is stored"),
    *(
        Option(key, refused(f"{_OWN_SNAPSHOTS}; riacho run --fresh starts without it"), "", about=_OWN_SNAPSHOTS)
        for key in ("execution.state-recovery.path", "execution.savepoint.path")
    ),
    *(
        Option(key, refused(_NO_JVM), "", about=_NO_JVM)
        for key in ("pipeline.jars", "pipeline.classpaths", "pipeline.cached-files")
    ),
    *(
        Option(key, refused(why), "", about=why)
        for key, why in (
            ("python.files", "give the files with --py"),
            ("python.requirements", "install what the functions need beside riacho"),
            ("python.archives", "install what the functions need beside riacho"),
            ("python.executable", "functions run in the job's own process"),
            ("python.client.executable", "functions run in the job's own process"),
        )
    ),
)

_HARMLESS = (
    # Names and words for people.
    Option("pipeline.name", anything, "", about="the job's name is that of riacho run --name"),
    Option("table.dml-sync", boolean, "false", about="riacho run waits for each job in any case"),
    Option("table.display.max-column-width", count, "30"),
    Option("sql-client.execution.result-mode", one_of("TABLE", "CHANGELOG", "TABLEAU"), "TABLE"),
    Option("sql-client.execution.max-table-result.rows", count, "1000000"),
    Option("sql-client.display.max-column-width", count, "30"),
    Option("sql-client.display.color-schema", anything, "DEFAULT"),
    Option("sql-client.display.print-time-cost", boolean, "true"),
    Option("sql-client.display.show-line-numbers", boolean, "false"),
    Option("sql-client.prompt", anything, "Flink SQL"),
    Option("sql-client.verbose", boolean, "false"),
    # How much runs beside each other: one process runs all of a job.
    Option("parallelism.default", count, "1", about=_ONE_PROCESS),
    Option("pipeline.max-parallelism", integer, "-1", about=_ONE_PROCESS),
    Option("table.exec.resource.default-parallelism", integer, "-1", about=_ONE_PROCESS),
    Option("pipeline.jobvertex-parallelism-overrides", anything, "", about=_ONE_PROCESS),
    Option("pipeline.object-reuse", boolean, "false"),
    Option("pipeline.operator-chaining", boolean, "true"),
    Option("table.exec.async-table.max-retries", count, "3"),
    Option("table.generated-code.max-members", count, "10000"),
    Option("table.optimizer.ptf.max-tables", count, "20"),
    Option("table.catalog-modification.listeners", anything, ""),
    Option("pipeline.operator-chaining.enabled", boolean, "true"),
    Option("pipeline.operator-chaining.chain-operators-with-different-max-parallelism", boolean, "true"),
    Option("pipeline.vertex-description-mode", one_of("TREE", "CASCADING"), "TREE"),
    Option("pipeline.vertex-name-include-index-prefix", boolean, "false"),
    Option("pipeline.auto-generate-uids", boolean, "true"),
    Option("pipeline.auto-type-registration", boolean, "true"),
    Option("pipeline.auto-watermark-interval", duration, "200", about="watermarks move with each row"),
    Option("pipeline.watermark-alignment.allow-unaligned-source-splits", boolean, "false"),
    Option("pipeline.closure-cleaner-level", one_of("NONE", "TOP_LEVEL", "RECURSIVE"), "RECURSIVE"),
    Option("pipeline.force-avro", boolean, "false"),
    Option("pipeline.force-kryo", boolean, "false"),
    Option("pipeline.force-kryo-avro", anything, ""),
    Option("pipeline.generic-types", boolean, "true"),
    Option("pipeline.global-job-parameters", anything, ""),
    Option("pipeline.serialization-config", anything, ""),
    Option("table.exec.simplify-operator-name-enabled", boolean, "true"),
    Option("table.exec.uid.format", anything, "<id>_<transformation>"),
    Option("table.exec.uid.generation", one_of("PLAN_ONLY", "ALWAYS", "DISABLED"), "PLAN_ONLY"),
    Option("table.exec.legacy-transformation-uids", boolean, "false"),
    Option("table.exec.operator-fusion-codegen.enabled", boolean, "false"),
    Option("table.generated-code.max-length", count, "4000"),
    Option("table.plan.compile.catalog-objects", one_of("ALL", "SCHEMA", "IDENTIFIER"), "ALL"),
    Option("table.plan.restore.catalog-objects", one_of("ALL", "ALL_ENFORCED", "IDENTIFIER"), "ALL"),
    Option("table.plan.force-recompile", boolean, "false"),
    Option("table.resources.download-dir", anything, ""),
    Option("table.rtas-ctas.atomicity-enabled", boolean, "false", about="no table is left half made"),
    # How a plan is run: results are the same.
    Option("table.exec.async-lookup.buffer-capacity", count, "100"),
    Option("table.exec.async-lookup.timeout", duration, "180000"),
    Option("table.exec.async-lookup.output-mode", one_of("ORDERED", "ALLOW_UNORDERED"), "ORDERED"),
    Option("table.exec.async-lookup.key-ordered-enabled", boolean, "false"),
    *(Option(f"table.exec.async-{kind}.buffer-capacity", count, "10") for kind in ("scalar", "table")),
    *(Option(f"table.exec.async-{kind}.max-concurrent-operations", count, "10") for kind in ("scalar", "table")),
    *(Option(f"table.exec.async-{kind}.timeout", duration, "180000") for kind in ("scalar", "table")),
    *(Option(f"table.exec.async-{kind}.retry-strategy", anything, "FIXED_DELAY") for kind in ("scalar", "table")),
    *(Option(f"table.exec.async-{kind}.retry-delay", duration, "100") for kind in ("scalar", "table")),
    *(Option(f"table.exec.async-{kind}.max-attempts", count, "3") for kind in ("scalar", "table")),
    Option("table.exec.async-state.enabled", boolean, "false"),
    Option("table.exec.deduplicate.insert-update-after-sensitive-enabled", boolean, "true"),
    Option("table.exec.deduplicate.mini-batch.compact-changes-enabled", boolean, "false"),
    Option("table.exec.disabled-operators", anything, ""),
    Option("table.exec.interval-join.min-cleanup-interval", duration, "0"),
    Option("table.exec.local-hash-agg.adaptive.enabled", boolean, "true"),
    Option("table.exec.local-hash-agg.adaptive.sampling-threshold", count, "500000"),
    Option("table.exec.local-hash-agg.adaptive.distinct-value-rate-threshold", number, "0.5"),
    Option("table.exec.rank.topn-cache-size", count, "10000"),
    Option("table.exec.resource.external-buffer-memory", size, "10 mb"),
    Option("table.exec.resource.hash-agg.memory", size, "128 mb"),
    Option("table.exec.resource.hash-join.memory", size, "128 mb"),
    Option("table.exec.resource.sort.memory", size, "128 mb"),
    Option("table.exec.shuffle-mode", anything, ""),
    Option("table.exec.sink.keyed-shuffle", one_of("NONE", "AUTO", "FORCE"), "AUTO", about=_ONE_PROCESS),
    Option(
        "table.exec.sink.rowtime-inserter",
        one_of("ENABLED", "DISABLED"),
        "ENABLED",
        about="a Kafka record's time is that of its metadata column, or of the writing",
    ),
    Option("table.exec.sort.async-merge-enabled", boolean, "true"),
    Option("table.exec.sort.max-num-file-handles", count, "128"),
    Option("table.exec.spill-compression.block-size", size, "64 kb"),
    Option("table.exec.spill-compression.enabled", boolean, "true"),
    Option("table.exec.unbounded-over.version", count, "2"),
    Option("table.exec.window-agg.buffer-size-limit", count, "100000"),
    Option("table.optimizer.adaptive-broadcast-join.strategy", one_of("AUTO", "NONE", "RUNTIME_ONLY"), "AUTO"),
    Option("table.optimizer.agg-phase-strategy", one_of("AUTO", "ONE_PHASE", "TWO_PHASE"), "AUTO"),
    Option("table.optimizer.bushy-join-reorder-threshold", count, "12"),
    Option("table.optimizer.distinct-agg.split.bucket-num", count, "1024"),
    Option("table.optimizer.distinct-agg.split.enabled", boolean, "false", about=_ONE_PROCESS),
    Option("table.optimizer.dynamic-filtering.enabled", boolean, "true"),
    Option("table.optimizer.incremental-agg-enabled", boolean, "true"),
    Option("table.optimizer.join-reorder-enabled", boolean, "false"),
    Option("table.optimizer.join.broadcast-threshold", integer, "1048576"),
    Option(
        "table.optimizer.multi-join.enabled",
        boolean,
        "false",
        about="[joins by keys](joins.md#several-joins) are one step in either case",
    ),
    Option("table.optimizer.multiple-input-enabled", boolean, "true"),
    Option(
        "table.optimizer.non-deterministic-update.strategy",
        one_of("IGNORE", "TRY_RESOLVE"),
        "IGNORE",
        about="a row is taken back as it was given in either case, or the query is refused",
    ),
    Option("table.optimizer.reuse-optimize-block-with-digest-enabled", boolean, "false"),
    Option("table.optimizer.reuse-sub-plan-enabled", boolean, "true"),
    Option("table.optimizer.reuse-source-enabled", boolean, "true"),
    Option("table.optimizer.reuse-sink-enabled", boolean, "false"),
    Option("table.optimizer.runtime-filter.enabled", boolean, "false"),
    Option("table.optimizer.runtime-filter.max-build-data-size", size, "150 mb"),
    Option("table.optimizer.runtime-filter.min-filter-ratio", number, "0.5"),
    Option("table.optimizer.runtime-filter.min-probe-data-size", size, "10 gb"),
    Option("table.optimizer.skewed-join-optimization.skewed-factor", number, "4.0"),
    Option("table.optimizer.skewed-join-optimization.skewed-threshold", size, "256 mb"),
    Option("table.optimizer.skewed-join-optimization.strategy", one_of("AUTO", "FORCED", "NONE"), "AUTO"),
    Option("table.optimizer.source.aggregate-pushdown-enabled", boolean, "true"),
    Option("table.optimizer.source.predicate-pushdown-enabled", boolean, "true"),
    Option("table.optimizer.source.report-statistics-enabled", boolean, "true"),
    Option("table.optimizer.sql2rel.project-merge.enabled", boolean, "false"),
    Option("table.optimizer.union-all-as-breakpoint-enabled", boolean, "true"),
    # How a cluster takes a job, and how it keeps it alive.
    Option("execution.attached", boolean, "false"),
    Option("execution.target", anything, ""),
    Option("execution.allow-client-job-configurations", boolean, "true"),
    Option("execution.batch-shuffle-mode", anything, "ALL_EXCHANGES_BLOCKING"),
    Option("execution.buffer-timeout.enabled", boolean, "true"),
    Option("execution.buffer-timeout.interval", duration, "100"),
    Option("execution.buffer-timeout", duration, "100"),
    Option("execution.job-status-changed-listeners", anything, ""),
    Option("execution.job-listeners", anything, ""),
    Option("execution.shutdown-on-application-finish", boolean, "true"),
    Option("execution.shutdown-on-attached-exit", boolean, "false"),
    Option("execution.sorted-inputs.enabled", boolean, "true"),
    Option("execution.sorted-inputs.memory", size, "128 mb"),
    Option("execution.sort-partition.memory", size, "128 mb"),
    Option("execution.sort-keyed-partition.memory", size, "128 mb"),
    Option("execution.batch-state-backend.enabled", boolean, "true"),
    Option("execution.submit-failed-job-on-application-error", boolean, "false"),
    Option("execution.checkpointing.interval", duration, "10000", about="a job takes a snapshot every 10 s"),
    Option("execution.checkpointing.interval-during-backlog", duration, "0"),
    Option("execution.checkpointing.timeout", duration, "600000"),
    Option("execution.checkpointing.min-pause", duration, "0"),
    Option("execution.checkpointing.max-concurrent-checkpoints", count, "1"),
    Option("execution.checkpointing.tolerable-failed-checkpoints", integer, "0"),
    Option("execution.state-recovery.claim-mode", one_of("CLAIM", "NO_CLAIM", "LEGACY"), "NO_CLAIM"),
    Option("execution.state-recovery.ignore-unclaimed-state", boolean, "false"),
    Option("execution.savepoint.ignore-unclaimed-state", boolean, "false"),
    Option("execution.savepoint-restore-mode", one_of("CLAIM", "NO_CLAIM", "LEGACY"), "NO_CLAIM"),
    Option("state.backend.type", anything, "hashmap", about="state is columns in memory, with snapshots on disk"),
    Option("state.backend", anything, "hashmap", about="state is columns in memory, with snapshots on disk"),
)

OPTIONS: dict[str, Option] = {
    option.key: option
    for option in (
        *(Option(item.key, item.read, item.default, Effect.HONOURED, item.about) for item in _HONOURED),
        *(Option(item.key, item.read, item.default, Effect.LIMITED, item.about) for item in _LIMITED),
        *_HARMLESS,
    )
}
"""Every key that is known by its name."""

FAMILIES: dict[str, str] = {
    "execution.async-state.": "of state backends that are asked asynchronously",
    "execution.batch.": "of a scheduler of batches on a cluster",
    "execution.checkpointing.": "of how a cluster takes and keeps checkpoints",
    "execution.program-config.": "of how a cluster takes a job",
    "execution.state-recovery.": "of how a cluster brings state back",
    "jobmanager.": "of a cluster's processes",
    "materialized-table.": "of materialized tables, which do not exist here",
    "pipeline.default-kryo-": "of serializers of a JVM",
    "pipeline.registered-": "of serializers of a JVM",
    "python.fn-execution.": "of how PyFlink hands rows to its workers",
    "python.state.": "of how PyFlink's workers reach state",
    "python.map-state.": "of how PyFlink's workers reach state",
    "python.metric.": "of what PyFlink measures",
    "python.profile.": "of what PyFlink measures",
    "restart-strategy.": "a platform starts a job again that ends by itself, after 0.5 s, 1 s, 2 s and so on",
    "state.": "of state backends and of how a cluster keeps checkpoints",
    "table.exec.async-ml-predict.": "of models",
    "table.exec.async-vector-search.": "of searches in vectors, which do not exist here",
    "table.exec.delta-join.": "of how Flink's delta joins keep what they looked up",
    "table.exec.hive.": "of Hive's tables",
    "table.exec.ml-predict.": "of models",
    "table.exec.sink.upsert-materialize-strategy.": "of how rows of one key are kept",
    "taskmanager.": "of a cluster's processes",
}
"""Beginnings of keys that are harmless whatever follows, and what they are about."""

KNOWN_PREFIXES = (
    "table.",
    "pipeline.",
    "execution.",
    "state.",
    "restart-strategy.",
    "parallelism.",
    "python.",
    "sql-client.",
    "jobmanager.",
    "taskmanager.",
    "materialized-table.",
)


def family_of(key: str) -> str | None:
    """The beginning by which a key is harmless, if it is."""
    return next((start for start in FAMILIES if key.startswith(start)), None)


def is_known(key: str) -> bool:
    """Whether SET and RESET take the key."""
    return key in OPTIONS or family_of(key) is not None


def read_option(key: str, value: str) -> str:
    """The normalized value of a known key.

    >>> read_option("table.exec.mini-batch.allow-latency", "5 s")
    '5000'

    Raises `KeyError` for an unknown key (the message names it) and `ValueError` for a value it cannot have.
    """
    option = OPTIONS.get(key)
    if option is not None:
        return option.read(value)
    if family_of(key) is None:
        raise KeyError(key)
    return value


def suggestion_for(key: str) -> str:
    """What to tell someone who set an unknown key."""
    near = did_you_mean(key, OPTIONS)
    return near or f"the keys are listed in the SQL reference and begin with {', '.join(KNOWN_PREFIXES)}"
