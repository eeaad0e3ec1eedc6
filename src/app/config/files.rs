//! What a configuration names and what must be there when it is used: files of secrets and of TLS, variables.

use std::path::{Path, PathBuf};

use super::{Config, KeyFile, SecretPlace};
use crate::bearer::ClientFiles;

impl Config {
    /// Files that are named and cannot be read, and why; with `environment`, variables that are not set, too.
    pub fn missing(&self, environment: bool) -> Vec<String> {
        let mut named = Named { environment, missing: Vec::new() };
        if let KeyFile::Path(path) = &self.vault.key_file {
            named.file("[vault] key-file", path);
        }
        for smsc in &self.ppg.smscs {
            let place = format!("[[ppg.smpp]] {}", smsc.settings.name);
            named.secret(&format!("{place}: password"), smsc.password.as_ref());
            if let Some(tls) = &smsc.tls {
                named.tls(&place, &ClientFiles { ca: Some(tls.ca.clone()), own: tls.own.clone() });
            }
        }
        for kannel in &self.ppg.kannels {
            let place = format!("[[ppg.sendsms]] {}", kannel.name);
            named.secret(&format!("{place}: password"), Some(&kannel.password));
            named.tls(&place, &kannel.tls);
        }
        if let Some(tls) = &self.ppg.tls {
            let own = Some((tls.certificate.clone(), tls.key.clone()));
            named.tls("[ppg]", &ClientFiles { ca: None, own });
            named.files("[ppg] tls-client-ca", tls.client_ca.as_ref());
        }
        named.tls("[ppg] results told", &self.ppg.settings.notify.tls);
        named.files("[job] pin-webhook-token", self.job.pin_webhook_token.as_ref());
        for gateway in &self.push.gateways {
            let place = format!("[[push.gateway]] {}", gateway.name);
            named.secret(&format!("{place}: password"), gateway.password.as_ref());
            named.secret(&format!("{place}: token"), gateway.token.as_ref());
            named.tls(&place, &gateway.tls);
        }
        named.missing
    }
}

struct Named {
    environment: bool,
    missing: Vec<String>,
}

impl Named {
    fn file(&mut self, what: &str, path: &Path) {
        let is_file = |meta: std::fs::Metadata| match meta.is_file() {
            true => Ok(()),
            false => Err(std::io::Error::other("is no file")),
        };
        if let Err(error) = std::fs::File::open(path).and_then(|file| file.metadata()).and_then(is_file) {
            self.missing.push(format!("{what}: {}: {error}", path.display()));
        }
    }

    fn files(&mut self, what: &str, path: Option<&PathBuf>) {
        path.into_iter().for_each(|path| self.file(what, path));
    }

    fn secret(&mut self, what: &str, place: Option<&SecretPlace>) {
        match place {
            Some(SecretPlace::File(path)) => self.file(what, path),
            Some(SecretPlace::Env(name)) if self.environment && std::env::var_os(name).is_none() => {
                self.missing.push(format!("{what}: the environment variable {name} is not set"));
            }
            _ => {}
        }
    }

    fn tls(&mut self, what: &str, files: &ClientFiles) {
        self.files(&format!("{what}: certificate authority"), files.ca.as_ref());
        if let Some((certificate, key)) = &files.own {
            self.file(&format!("{what}: certificate"), certificate);
            self.file(&format!("{what}: key"), key);
        }
    }
}
