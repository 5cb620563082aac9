"""The usual way to write remote write: Google's protobuf objects, here of descriptors made at run time.

Decoding and validation are ours, as in the path it is compared with; what differs is how the write
request comes about. Source of the fields: prometheus/prompb/{remote,types}.proto.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Any

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import api_implementation

from bench.measure.messages import Message
from central.ingest.admit import JOB, parse_topic
from telemetry.wire import Batch, Schema, decode_batch, unscaled

_FIELD = descriptor_pb2.FieldDescriptorProto
_STALE: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
_MESSAGES = {
    "Label": (("name", 1, "string"), ("value", 2, "string")),
    "Sample": (("value", 1, "double"), ("timestamp", 2, "int64")),
    "TimeSeries": (("labels", 1, "Label"), ("samples", 2, "Sample")),
    "WriteRequest": (("timeseries", 1, "TimeSeries"),),
}
_TYPES = {"string": _FIELD.TYPE_STRING, "double": _FIELD.TYPE_DOUBLE, "int64": _FIELD.TYPE_INT64}
implementation = api_implementation.Type()
"""upb is the fast one, in C."""


def write_request_class() -> Any:
    """The class of prometheus.WriteRequest."""
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="prometheus", syntax="proto3")
    for name, fields in _MESSAGES.items():
        made = file.message_type.add(name=name)
        for field, number, kind in fields:
            one = made.field.add(name=field, number=number, label=_FIELD.LABEL_OPTIONAL)
            if kind in _TYPES:
                one.type = _TYPES[kind]
            else:
                one.type, one.type_name, one.label = _FIELD.TYPE_MESSAGE, f".prometheus.{kind}", _FIELD.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


def compressed(request_class: Any, group: Iterable[Message], schemas: Mapping[str, Schema]) -> bytes:
    """The body of one POST for these messages."""
    request = request_class()
    for message in group:
        centre = parse_topic(message.topic).centre
        schema = schemas[centre]
        _fill(request.timeseries, centre, schema, decode_batch(message.body, schema))
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def _fill(timeseries: Any, centre: str, schema: Schema, batch: Batch) -> None:
    for one, scale, column in zip(schema.series, schema.scales, batch.columns, strict=True):
        pairs = {key: value for key, value in one.label_map().items() if value}
        pairs |= {"__name__": one.metric.name, "centre": centre, "job": JOB}
        live = [(value, at) for value, at in zip(column, batch.times, strict=True) if value is not None]
        gone = [
            at
            for index, at in enumerate(batch.times)
            if column[index] is None and (not index or column[index - 1] is not None)
        ]
        if live:
            made = _labelled(timeseries, pairs)
            for value, at in live:
                made.samples.add(value=unscaled(value, scale), timestamp=at)
        if gone:
            made = _labelled(timeseries, pairs)
            for at in gone:
                made.samples.add(value=_STALE, timestamp=at)


def _labelled(timeseries: Any, pairs: Mapping[str, str]) -> Any:
    made = timeseries.add()
    for name, value in sorted(pairs.items()):
        made.labels.add(name=name, value=value)
    return made
