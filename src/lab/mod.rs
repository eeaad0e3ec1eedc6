//! The laboratory: virtual cards, a virtual network, faults, and the rehearsal of the main job.
