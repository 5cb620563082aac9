"""Prometheus' WriteRequest as Google's protobuf reads it: the other end of our hand-made encoder.

The descriptors are those of prometheus/prompb/{remote,types}.proto, written down here because no
compiled copy is a dependency.
"""

import struct
from importlib import import_module
from typing import Any, NamedTuple

descriptor_pb2: Any = import_module("google.protobuf.descriptor_pb2")  # it ships no types
descriptor_pool: Any = import_module("google.protobuf.descriptor_pool")
message_factory: Any = import_module("google.protobuf.message_factory")
_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, list[tuple[str, int, int, str]]] = {
    "Label": [("name", 1, _FIELD.TYPE_STRING, ""), ("value", 2, _FIELD.TYPE_STRING, "")],
    "Sample": [("value", 1, _FIELD.TYPE_DOUBLE, ""), ("timestamp", 2, _FIELD.TYPE_INT64, "")],
    "TimeSeries": [("labels", 1, _FIELD.TYPE_MESSAGE, "Label"), ("samples", 2, _FIELD.TYPE_MESSAGE, "Sample")],
    "WriteRequest": [("timeseries", 1, _FIELD.TYPE_MESSAGE, "TimeSeries")],
}
STALE = struct.pack("<Q", 0x7FF0000000000002)


class Told(NamedTuple):
    """One TimeSeries: its labels as they stand, and (value, epoch ms)."""

    labels: list[tuple[str, str]]
    samples: list[tuple[float, int]]

    @property
    def name(self) -> str:
        """The metric."""
        return dict(self.labels)["__name__"]


def _write_request() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="prometheus", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of in fields:
            many = _FIELD.LABEL_REPEATED if of else _FIELD.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, type=kind, label=many)
            if of:
                added.type_name = f".prometheus.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


_WRITE_REQUEST: Any = _write_request()


def read(body: bytes) -> list[Told]:
    """Every series of a request; raises google.protobuf's DecodeError for bytes that are none."""
    request = _WRITE_REQUEST()
    request.ParseFromString(body)
    return [
        Told([(one.name, one.value) for one in series.labels], [(one.value, one.timestamp) for one in series.samples])
        for series in request.timeseries
    ]


def is_stale(value: float) -> bool:
    """Whether the value is Prometheus' staleness marker, bit for bit."""
    return struct.pack("<d", value) == STALE
