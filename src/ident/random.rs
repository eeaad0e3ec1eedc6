//! Random octets, as something that is passed in: rooms below the rim never draw their own.

/// Where random octets come from: the operating system in service, a seed in repeatable rehearsals.
///
/// Secrets that reach a real card or device are drawn only from the operating system's implementation.
pub trait Random: Send + Sync {
    /// Fills `out` with random octets.
    fn fill(&self, out: &mut [u8]);
}
