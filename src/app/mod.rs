//! Composition: wires the rooms together from configuration, clock and random source.
