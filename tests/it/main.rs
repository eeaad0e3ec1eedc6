//! Situations: each module is one, told from outside the library, with real peers as processes.

mod peers;
mod tidy;
