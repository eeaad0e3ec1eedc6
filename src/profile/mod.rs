//! The operator's profile: what people write in TOML, checked for what it means. It does not know how it is encoded.
