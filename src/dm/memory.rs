//! Accounts in memory: for rehearsals and tests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    Account, AccountId, Accounts, AccountsError, CANDIDATES, NewAccount, NonceChange, Register, Stored,
};
use crate::ident::Timestamp;

/// Accounts that live as long as the process.
#[derive(Debug, Default)]
pub struct MemoryAccounts(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: i64,
    /// Oldest first.
    accounts: Vec<Account>,
}

impl MemoryAccounts {
    /// No accounts.
    pub fn new() -> Self {
        Self::default()
    }

    /// The account of that name, as it is now.
    pub fn account(&self, id: AccountId) -> Option<Account> {
        self.kept().accounts.iter().find(|a| a.id == id).cloned()
    }

    /// Keeps an account and names it.
    pub fn add(&self, new: NewAccount) -> AccountId {
        let mut kept = self.kept();
        kept.last += 1;
        let id = AccountId::new(kept.last);
        let NewAccount { server_id, device, client, server } = new;
        kept.accounts.push(Account { id, server_id, device, client, server, inventoried: None });
        id
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Accounts for MemoryAccounts {
    async fn candidates(&self, name: Option<&str>, device: &str) -> Result<Vec<Account>, AccountsError> {
        let kept = self.kept();
        let matches =
            |a: &&Account| Some(a.client.name.as_str()) == name || a.device.as_deref() == Some(device);
        Ok(kept.accounts.iter().rev().filter(matches).take(CANDIDATES).cloned().collect())
    }

    async fn store_nonces(&self, id: AccountId, change: &NonceChange) -> Result<Stored, AccountsError> {
        let mut kept = self.kept();
        let Some(account) = kept.accounts.iter_mut().find(|a| a.id == id) else { return Ok(Stored::Raced) };
        if let Some(spent) = &change.client {
            if account.client.nonce != spent.held {
                return Ok(Stored::Raced);
            }
            account.client.nonce.clone_from(&spent.next);
        }
        if let Some(nonce) = &change.server {
            account.server.nonce.clone_from(nonce);
        }
        Ok(Stored::Done)
    }

    async fn used(&self, id: AccountId, _at: Timestamp) -> Result<(), AccountsError> {
        let mut kept = self.kept();
        if let Some(used) = kept.accounts.iter().find(|a| a.id == id).cloned() {
            kept.accounts.retain(|a| {
                let same =
                    a.client.name == used.client.name || (a.device.is_some() && a.device == used.device);
                a.id >= id || a.server_id != used.server_id || !same
            });
        }
        Ok(())
    }

    async fn inventoried(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError> {
        if let Some(account) = self.kept().accounts.iter_mut().find(|a| a.id == id) {
            account.inventoried = Some(at);
        }
        Ok(())
    }
}

#[async_trait]
impl Register for MemoryAccounts {
    async fn register(&self, account: &NewAccount, _at: Timestamp) -> Result<AccountId, AccountsError> {
        Ok(self.add(account.clone()))
    }

    async fn withdraw(&self, id: AccountId) -> Result<(), AccountsError> {
        self.kept().accounts.retain(|a| a.id != id);
        Ok(())
    }
}
