//! What loads a gateway and watches it from outside: shared by the soak and the benchmark, so that both push alike.

pub mod pap;
pub mod serve;
pub mod usage;
