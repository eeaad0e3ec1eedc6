//! From profile and subscriber to payload and back: the CP document, the DM bootstrap message, SEC and MAC. It does not know how a payload travels.
