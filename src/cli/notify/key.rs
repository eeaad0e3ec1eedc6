//! What `decode` checks the digest of a notification with.

use super::octets::Nonce;
use crate::{cli::secret::SecretOrLiteral, explain::NotificationKey};

/// Arguments about the digest.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeyArgs {
    /// The secret of the DM server that a notification should be made with (SRVCRED): the value, @FILE, env:NAME or -
    /// (prompt).
    #[arg(long, value_name = "SECRET")]
    server_secret: Option<SecretOrLiteral>,
    /// The nonce that the device holds for that server: base64, or hex: and hexadecimal digits. Without it, zero is tried
    /// only.
    #[arg(long, value_name = "NONCE", requires = "server_secret")]
    nonce: Option<Nonce>,
    /// The client's secret (CLCRED), to see whether it was taken for the server's.
    #[arg(long, value_name = "SECRET", requires = "server_secret")]
    client_secret: Option<SecretOrLiteral>,
    /// Another name of the server, to see whether it was taken for its identifier.
    #[arg(long, value_name = "NAME", requires = "server_secret")]
    server_name: Option<String>,
}

impl KeyArgs {
    /// The key, when a secret was given.
    pub(in crate::cli) fn read(&self) -> anyhow::Result<Option<NotificationKey>> {
        let Some(secret) = &self.server_secret else { return Ok(None) };
        Ok(Some(NotificationKey {
            secret: secret.parse("--server-secret")?,
            nonce: self.nonce.as_ref().map(|nonce| nonce.0.clone()),
            client_secret: self.client_secret.as_ref().map(|s| s.parse("--client-secret")).transpose()?,
            server_name: self.server_name.clone(),
        }))
    }
}
