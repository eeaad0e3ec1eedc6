//! The virtual phone: an independent reading of the standard. It shares [`crate::wire`] and [`crate::ident`] with the
//! rest and nothing of `bootstrap`, `card` or `dm`, so that a mistake of ours is not made twice.
