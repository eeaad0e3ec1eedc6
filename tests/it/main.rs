//! Situations: each module is one, told from outside the library.
