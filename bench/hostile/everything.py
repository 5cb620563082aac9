"""Every kind of hostile message, by its name."""

from bench.hostile import batches, letters, octets, schemas, states
from bench.hostile.kinds import Kind

UNAIMED: list[Kind] = [*octets.KINDS, *batches.KINDS, *letters.KINDS, *schemas.KINDS, *states.KINDS]
"""What a centre may try under its own name."""
OWN: list[Kind] = [*UNAIMED, *states.AIMED]
"""And against another, which is the broker's to refuse."""
FOREIGN: list[Kind] = states.TOPICS
"""What only somebody who may write anywhere can send."""
KINDS = [*OWN, *FOREIGN]
