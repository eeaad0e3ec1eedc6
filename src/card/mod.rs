//! Cards: readers, sessions, files, and bootstrap files as object identifier and octets. It does not know what the octets mean.
