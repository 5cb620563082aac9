"""What ingest itself has to say: its counters, and each centre's presence and place. No messages, no store.

A series that ends is marked so: an old place, an outage that is over.
"""

from collections.abc import Mapping

from msgspec import Struct

from central.ingest import protobuf
from central.ingest.admit import series_labels
from central.ingest.presence import Presence
from telemetry import catalogue as names


class Counts(Struct, frozen=True):
    """Samples the store took, messages refused by reason, seconds from arrival to the last ack."""

    samples: int
    rejected: Mapping[str, int]
    ack_lag: float | None


class OwnSeries:
    """`instance` tells this ingest from the others that share the stream."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._said_offline: set[str] = set()
        self._said_info: dict[str, bytes] = {}

    def parts(
        self, counts: Counts, centres: Mapping[str, Presence], infos: Mapping[str, dict[str, str]], now_ms: int
    ) -> list[bytes]:
        """The store's bytes of this moment."""
        at = protobuf.stamps([now_ms])
        parts = [self._own(names.INGEST_SAMPLES.name, {}, counts.samples, at)]
        parts += [self._own(names.INGEST_REJECTED.name, {"reason": why}, n, at) for why, n in counts.rejected.items()]
        if counts.ack_lag is not None:
            parts.append(self._own(names.INGEST_ACK_LAG.name, {}, counts.ack_lag, at))
        for centre in {*centres, *infos, *self._said_info}:
            parts += self._info(centre, infos.get(centre), at)
            if (one := centres.get(centre)) is not None:
                parts += self._presence(centre, one, at)
        return parts

    def _own(self, name: str, labels: dict[str, str], value: float, at: list[bytes]) -> bytes:
        own = protobuf.labels({**labels, "__name__": name, "job": "ingest", "instance": self._instance})
        return protobuf.series(own, [float(value)], at)

    def _presence(self, centre: str, one: Presence, at: list[bytes]) -> list[bytes]:
        found = {names.INGEST_CONNECTS: float(one.connects)}
        if one.last_seen:
            found[names.INGEST_LAST_SEEN] = one.last_seen
        if one.online is not None:
            found[names.INGEST_ONLINE] = float(one.online)
        parts = [
            protobuf.series(series_labels(metric.name, {}, centre), [value], at) for metric, value in found.items()
        ]
        return parts + self._offline(centre, None if one.online is not False else one.cause, at)

    def _info(self, centre: str, own: dict[str, str] | None, at: list[bytes]) -> list[bytes]:
        """centre_info as the registry has it; what it had before ends at once, so that joins stay one to one."""
        labels = series_labels(names.INGEST_INFO.name, own, centre) if own else None
        before = self._said_info.get(centre)
        ended = [protobuf.stale(before, at)] if before is not None and before != labels else []
        if labels is None:
            self._said_info.pop(centre, None)
            return ended
        self._said_info[centre] = labels
        return [*ended, protobuf.series(labels, [1.0], at)]

    def _offline(self, centre: str, cause: str | None, at: list[bytes]) -> list[bytes]:
        """centre_offline exists only while the centre is; its end is marked."""
        if cause is None and centre not in self._said_offline:
            return []
        (self._said_offline.add if cause else self._said_offline.discard)(centre)
        parts = []
        for one in names.OFFLINE_CAUSES:
            labels = series_labels(names.INGEST_OFFLINE.name, {"cause": one}, centre)
            parts.append(protobuf.series(labels, [1.0], at) if one == cause else protobuf.stale(labels, at))
        return parts
