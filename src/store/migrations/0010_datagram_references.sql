-- The next reference of datagrams in several segments, for all processes that push without a gateway. Destinations share a
-- row by a digest of their number, so that the table is bounded and holds no number.

CREATE TABLE datagram_reference (
    bucket INTEGER PRIMARY KEY, -- 16 bits
    next   INTEGER NOT NULL     -- 8 bits
) STRICT;
