//! The laboratory: virtual cards, a virtual network, faults, and the rehearsal of the main job.

pub mod card;
pub mod fault;
pub mod hall;
pub mod image;
pub mod line;
pub mod network;
pub mod random;
pub mod reader;
pub mod rehearsal;
pub mod slot;
pub mod smsc;
pub mod vpcd;
