"""The schemas that centres announced, each with the label bytes of its centre: bounded, the longest unused go first.

A schema that went is asked for again when a batch names it. Centres with the same devices announce the same schema,
byte for byte: it is read and held once.
"""

import hashlib
from collections import OrderedDict
from weakref import WeakValueDictionary

from central.ingest.admit import Template, template
from telemetry.errors import Rejected
from telemetry.wire import Schema, decode_schema

SERIES_OF_A_CENTRE, SCHEMAS_OF_A_CENTRE = 4_000, 64
"""An honest centre has some 150 series in five schemas, and another schema each time that a series comes."""
SERIES = 3_000_000
"""Twice what 10,000 centres have; about 300 bytes each."""


class Templates:
    """By centre and schema id."""

    def __init__(self, most: int = SERIES) -> None:
        self._most, self._series = most, 0
        self._of: OrderedDict[str, OrderedDict[str, Template]] = OrderedDict()
        self._schemas: WeakValueDictionary[bytes, Schema] = WeakValueDictionary()

    def find(self, centre: str, sid: str) -> Template | None:
        """None: it is not known, or not any more."""
        own = self._of.get(centre)
        if own is None or sid not in own:
            return None
        self._of.move_to_end(centre)
        own.move_to_end(sid)
        return own[sid]

    def learn(self, centre: str, sid: str, body: bytes) -> None:
        """Take the schema message of a centre; raises Rejected, also when it is not the one that its id names."""
        if not body or self.find(centre, sid) is not None:
            return
        schema = self._read(body)
        if schema.sid != sid:
            raise Rejected("the schema is not the one its id names", reason="schema")
        self._of.setdefault(centre, OrderedDict())[sid] = template(centre, schema)
        self._of.move_to_end(centre)
        self._series += len(schema.series)
        self._bound(self._of[centre])

    def _read(self, body: bytes) -> Schema:
        digest = hashlib.sha256(body).digest()  # not the sid, which is short enough to be forged
        schema = self._schemas.get(digest)
        if schema is None:
            schema = self._schemas[digest] = decode_schema(body)
        return schema

    def _bound(self, own: OrderedDict[str, Template]) -> None:
        while len(own) > SCHEMAS_OF_A_CENTRE or sum(len(one.labels) for one in own.values()) > SERIES_OF_A_CENTRE:
            self._forget(own)
        while self._series > self._most and len(self._of) > 1:
            _, oldest = self._of.popitem(last=False)
            while oldest:
                self._forget(oldest)

    def _forget(self, own: OrderedDict[str, Template]) -> None:
        _, gone = own.popitem(last=False)
        self._series -= len(gone.labels)
