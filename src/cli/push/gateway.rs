//! Which gateway a push goes to, and who we are to it.

use crate::{
    bearer::{
        Endpoint, Patience,
        pap_client::{Capabilities, Credentials, Gateway, GatewayKind, PapClient},
    },
    cli::{Exit, Failure, secret::SecretSource},
};

/// Arguments about the gateway.
#[derive(Debug, clap::Args)]
pub(super) struct GatewayArgs {
    /// Where the Push Proxy Gateway takes PAP requests: http://HOST:PORT/PATH.
    #[arg(long, value_name = "URL")]
    ppg: String,
    /// Which program it is: standard, bootgate or kannel. A push is refused where the gateway would lose something of it.
    #[arg(long, value_name = "KIND", default_value_t)]
    ppg_kind: GatewayKind,
    /// The gateway keeps SEC and MAC: without it an authenticated bootstrap goes to a gateway of kind bootgate only.
    #[arg(long)]
    keeps_authentication: bool,
    /// The user that the gateway knows us as.
    #[arg(long, value_name = "NAME", requires = "password")]
    user: Option<String>,
    /// That user's password: @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET", requires = "user")]
    password: Option<SecretSource>,
    /// A bearer token in place of user and password: @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET", conflicts_with = "user")]
    token: Option<SecretSource>,
}

impl GatewayArgs {
    /// The initiator at the gateway.
    pub(super) fn client(&self) -> anyhow::Result<PapClient> {
        let endpoint: Endpoint =
            self.ppg.parse().map_err(|e| Failure::because(Exit::Usage, format!("--ppg: {e}")))?;
        let credentials = match (&self.user, &self.password, &self.token) {
            (Some(user), Some(password), _) => {
                Some(Credentials::Basic { user: user.clone(), password: password.read("--password")? })
            }
            (_, _, Some(token)) => Some(Credentials::Bearer(token.read("--token")?)),
            _ => None,
        };
        let mut capabilities = Capabilities::of(self.ppg_kind);
        capabilities.keeps_authentication |= self.keeps_authentication;
        Ok(PapClient::new(Gateway {
            name: endpoint.to_string(),
            endpoint,
            credentials,
            capabilities,
            patience: Patience::default(),
        }))
    }
}
