//! What a DM bootstrap has and a provisioning document has not: its form, and access control lists.

use crate::{
    bootstrap::Settings,
    profile::{Acl, DmOptions},
};

use super::draft::{Block, Draft, quoted};

/// What only a DM bootstrap says.
pub(super) struct Form {
    dm: DmOptions,
    account: Option<Acl>,
    naps: Vec<Option<Acl>>,
    proxies: Vec<Option<Acl>>,
}

impl Form {
    /// Takes it out of settings that become a document.
    pub(super) fn taken(settings: &mut Settings) -> Self {
        Self {
            dm: std::mem::take(&mut settings.dm),
            account: settings.dm_account.as_mut().and_then(|a| a.acl.take()),
            naps: settings.naps.iter_mut().map(|n| n.acl.take()).collect(),
            proxies: settings.proxies.iter_mut().map(|p| p.acl.take()).collect(),
        }
    }

    /// Puts it into the profile. Objects stand there in the order of the settings.
    pub(super) fn put(self, draft: &mut Draft) {
        let mut put = |header: &str, lists: Vec<Option<Acl>>| {
            for (nth, acl) in lists.into_iter().enumerate() {
                if let Some(acl) = acl {
                    draft.put_in(header, nth, "acl", "ACL", quoted(&acl.to_string()));
                }
            }
        };
        put("[dm-account]", vec![self.account]);
        put("[[nap]]", self.naps);
        put("[[proxy]]", self.proxies);
        if self.dm != DmOptions::default() {
            let mut block = Block::new("[dm]", "message");
            block.put("encoding", "Inbox", quoted(self.dm.encoding.as_str()));
            block.put("nonce-format", "AAuthData", quoted(self.dm.nonce_format.as_str()));
            draft.push(block);
        }
    }
}
