"""Fetch (key 1): record batches, from where the consumer says.

Behaviour
    Each partition is read up to its own and the request's limit, but always one whole batch where nothing was read
    before, so that a consumer makes progress. Batches are not touched: a range of the segment file goes to the
    socket. Where fewer than min_bytes are there, the request waits for appends, at most max_wait_ms; it waits on
    the appends themselves, not on a timer's turns, and as in Kafka holds the connection's later requests meanwhile.
    The high watermark and the last stable offset are the log's end. Within a session only partitions with news are in
    the answer.
Versions
    4–18 (7+ sessions, 9+ leader epochs, 12+ flexible, 13+ topic ids). Followers' fields are read over.
Errors
    OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
    UNSUPPORTED_COMPRESSION_TYPE (below version 10, of a topic with compression.type=zstd), KAFKA_STORAGE_ERROR
    (NOT_LEADER_OR_FOLLOWER below version 6); for the whole request FETCH_SESSION_ID_NOT_FOUND,
    INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR.
KIPs
    74 (limits), 98 (isolation), 227 (sessions), 320 (leader epochs), 516 (topic ids), 595 (diverging epochs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from riacho.broker.apis.fetch_wire import FetchRequest, PartitionAnswer, encode, parse
from riacho.broker.errors import ApiError, CloseConnectionError, ErrorCode, error_named
from riacho.broker.fetch_sessions import FINAL_EPOCH, INITIAL_EPOCH, FetchSession, PartitionKey, Told, Wanted
from riacho.broker.leader_epochs import check_leader_epoch
from riacho.log.errors import LogError

if TYPE_CHECKING:
    import asyncio

    from riacho.broker.broker import Broker
    from riacho.broker.connection import AnswerSlot, Part
    from riacho.broker.hosted_partition import HostedPartition
    from riacho.broker.wire import RequestHeader, TopicRef

API_KEY = 1
VERSIONS = (4, 18)
_FIRST_WITH_STORAGE_ERROR = 6
"""Older consumers do not know KAFKA_STORAGE_ERROR: they are told to look for the leader, and come again."""
_FIRST_WITH_ZSTD = 10
_FIRST_WITH_TOPIC_IDS = 13


def serve(broker: Broker, slot: AnswerSlot, header: RequestHeader, buffer: bytearray, end: int) -> None:
    """Serve one request. Raises `MalformedRequestError`, `CloseConnectionError`."""
    version = header.version
    if not VERSIONS[0] <= version <= VERSIONS[1]:
        raise CloseConnectionError(f"Fetch version {version} is not supported")
    request = parse(buffer, header.position, end, version)
    try:
        session = _session(broker, request, uses_topic_ids=version >= _FIRST_WITH_TOPIC_IDS)
    except ApiError as error:
        slot.answer(*encode(version, header.correlation_id, error.code, 0, []))
        return
    _Fetch(broker, slot, version, request, session).open_and_begin()


def _session(broker: Broker, request: FetchRequest, *, uses_topic_ids: bool) -> FetchSession | None:
    """The session that the request begins or goes on with; None where it has none."""
    sessions = broker.fetch_sessions
    if request.session_epoch == FINAL_EPOCH:
        sessions.end(request.session_id)
        return None
    if request.session_epoch == INITIAL_EPOCH:
        sessions.end(request.session_id)
        return sessions.begin(request.wanted, uses_topic_ids=uses_topic_ids)
    session = sessions.resume(request.session_id, request.session_epoch, uses_topic_ids=uses_topic_ids)
    session.update(request.wanted, request.forgotten)
    if not session.wanted:
        sessions.end(session.id)
        return None
    return session


class _Fetch:
    """One request while it is served: an observer of its partitions as long as it waits."""

    __slots__ = (
        "_broker",
        "_incremental",
        "_loaded",
        "_loading",
        "_max_bytes",
        "_missing_bytes",
        "_request",
        "_session",
        "_slot",
        "_timer",
        "_version",
        "_wanted",
        "_watched",
    )

    def __init__(
        self, broker: Broker, slot: AnswerSlot, version: int, request: FetchRequest, session: FetchSession | None
    ) -> None:
        self._broker = broker
        self._slot = slot
        self._version = version
        self._request = request
        self._session = session
        self._incremental = session is not None and request.session_epoch != INITIAL_EPOCH
        self._wanted: dict[PartitionKey, Wanted] = dict(session.wanted) if session else request.wanted
        self._watched: list[HostedPartition] = []
        self._max_bytes = min(request.max_bytes, broker.settings.fetch_max_bytes)
        self._missing_bytes = 0
        self._loading: list[asyncio.Future[None]] = []
        """What the read that was just tried waits for."""
        self._loaded = False
        """It has waited once: what was let go of again meanwhile is loaded by the read itself."""
        self._timer: asyncio.TimerHandle | None = None

    def open_and_begin(self) -> None:
        """Begin, once the partitions are open."""
        name_of = self._broker.metadata.name_of
        opening = self._broker.opening([(name_of(topic), index) for topic, index in self._wanted])
        if opening is None:
            self._begin()
        else:
            self._slot.mute()
            opening.add_done_callback(self._opened)

    def _opened(self, _opening: asyncio.Future[None]) -> None:
        if not self._slot.closed and self._begin():
            self._slot.unmute()

    def _begin(self) -> bool:
        """Answer at once if there is enough to say, else wait. Whether it has answered."""
        answers = self._read()
        if self._loading:
            self._begin_after_loading()
            return False
        size = sum(answer.size for answer in answers)
        request = self._request
        min_bytes = min(request.min_bytes, self._max_bytes)
        if (
            request.max_wait_ms <= 0
            or size >= min_bytes
            or not self._wanted
            or any(answer.code or answer.diverging for answer in answers)
        ):
            self._answer(answers)
            return True
        self._missing_bytes = min_bytes - size
        for topic, index in self._wanted:
            hosted = self._hosted(topic, index)
            assert hosted is not None, "a partition that does not exist is an error, and not waited for"
            hosted.observers.add(self)
            self._watched.append(hosted)
        # As in Kafka a Fetch that waits holds the connection's later requests: they are not begun before its answer.
        self._slot.mute()
        self._slot.abandon = self._stop
        self._timer = self._broker.threads.loop.call_later(request.max_wait_ms / 1000, self.finish)
        return False

    def _begin_after_loading(self) -> None:
        """Begin again when the indexes of older segments are in memory, which takes a disk thread a while."""
        self._slot.mute()
        self._loaded = True
        for wait in self._loading:
            wait.add_done_callback(self._loaded_one)

    def _loaded_one(self, wait: asyncio.Future[None]) -> None:
        self._loading.remove(wait)
        if not self._loading:
            self._opened(wait)

    # -- as an observer of partitions ----------------------------------------------------------------------------

    def appended(self, size: int) -> None:
        """A partition has grown."""
        self._missing_bytes -= size
        if self._missing_bytes <= 0:
            self._finish_soon()

    def removed(self) -> None:
        """A partition was deleted: say so."""
        self._finish_soon()

    def _finish_soon(self) -> None:
        self._stop()
        self._broker.due_fetches.add(self.finish)

    def finish(self) -> None:
        """Answer with what there is, and let the connection go on."""
        self._stop()
        if not self._slot.closed:
            self._answer(self._read())
            self._slot.unmute()

    def _stop(self) -> None:
        for hosted in self._watched:
            hosted.observers.discard(self)
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- reading -------------------------------------------------------------------------------------------------

    def _read(self) -> list[PartitionAnswer]:
        left = self._max_bytes
        answers = []
        nothing_yet = True
        for (topic, index), wanted in self._wanted.items():
            answer = self._read_partition(topic, index, wanted, left, at_least_one=nothing_yet)
            if answer.size:
                nothing_yet = False
                left -= answer.size
            answers.append(answer)
        return answers

    def _read_partition(
        self, topic: TopicRef, index: int, wanted: Wanted, left: int, *, at_least_one: bool
    ) -> PartitionAnswer:
        try:
            hosted = self._hosted(topic, index)
        except (LogError, OSError):
            return PartitionAnswer(topic, index, self._storage_error)
        if hosted is None:
            unknown = ErrorCode.unknown_topic_or_partition if isinstance(topic, str) else self._unknown_id(topic)
            return PartitionAnswer(topic, index, unknown)
        log = hosted.log
        if self._version < _FIRST_WITH_ZSTD and log.config.compression_type == "zstd":
            return PartitionAnswer(topic, index, ErrorCode.unsupported_compression_type)
        code = check_leader_epoch(wanted.current_leader_epoch, log.leader_epoch)
        if code:
            return PartitionAnswer(topic, index, code)
        end, start = log.end_offset, log.log_start_offset
        if wanted.last_fetched_epoch >= 0:
            epoch_end = log.end_offset_for_epoch(wanted.last_fetched_epoch)
            if epoch_end.epoch < 0 or wanted.fetch_offset < start:
                return PartitionAnswer(topic, index, ErrorCode.offset_out_of_range)
            if epoch_end.epoch < wanted.last_fetched_epoch or epoch_end.end_offset < wanted.fetch_offset:
                diverging = (epoch_end.epoch, epoch_end.end_offset)
                return PartitionAnswer(topic, index, ErrorCode.none, end, start, diverging=diverging)
        if wanted.fetch_offset == end:
            return PartitionAnswer(topic, index, ErrorCode.none, end, start)
        try:
            if left <= 0 and not at_least_one and start <= wanted.fetch_offset < end:
                return PartitionAnswer(topic, index, ErrorCode.none, end, start)
            work = None if self._loaded else log.loading_for(wanted.fetch_offset)
            if work is not None:
                self._loading.append(hosted.loading(work))
                return PartitionAnswer(topic, index, ErrorCode.none, end, start)
            part = log.read(wanted.fetch_offset, min(wanted.max_bytes, max(left, 0)), at_least_one=at_least_one)
        except OSError as error:
            hosted.read_failed(error)
            code = error_named(error.error) if isinstance(error, LogError) else self._storage_error
            return PartitionAnswer(topic, index, code)
        except LogError as error:
            return PartitionAnswer(topic, index, error_named(error.error))
        return PartitionAnswer(topic, index, ErrorCode.none, end, start, part=part if part.length else None)

    @property
    def _storage_error(self) -> ErrorCode:
        old = self._version < _FIRST_WITH_STORAGE_ERROR
        return ErrorCode.not_leader_or_follower if old else ErrorCode.kafka_storage_error

    def _hosted(self, topic: TopicRef, index: int) -> HostedPartition | None:
        name = self._broker.metadata.name_of(topic)
        return self._broker.partition(name, index) if name is not None else None

    def _unknown_id(self, topic_id: bytes) -> ErrorCode:
        known = self._broker.metadata.name_of(topic_id) is not None
        return ErrorCode.unknown_topic_or_partition if known else ErrorCode.unknown_topic_id

    def _answer(self, answers: list[PartitionAnswer]) -> None:
        session = self._session
        if session is not None:
            answers = [answer for answer in answers if self._is_news(session, answer) or not self._incremental]
        parts: list[Part] = encode(
            self._version,
            self._slot.correlation_id,
            ErrorCode.none,
            session.id if session is not None else 0,
            answers,
            read_committed=self._request.read_committed,
        )
        self._slot.answer(*parts)

    def _is_news(self, session: FetchSession, answer: PartitionAnswer) -> bool:
        key = (answer.topic, answer.partition)
        told = Told(answer.high_watermark, answer.log_start_offset)
        failed = bool(answer.code) or answer.diverging is not None
        if answer.size:
            session.had_records(key)
        return session.is_news(key, told, has_records=answer.size > 0, failed=failed)
