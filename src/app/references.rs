//! What counts the references of pushes that are sent without a gateway.

use std::sync::Arc;

use super::{App, Config};
use crate::{
    bearer::ReferenceCounter,
    store::{Store, StoreError},
};

impl App {
    /// The database that the configuration names, as what counts references; none where there is no database: one is not
    /// made for that.
    ///
    /// # Errors
    /// [`StoreError`] when there is one that cannot be used.
    pub async fn reference_counter(config: &Config) -> Result<Option<Arc<dyn ReferenceCounter>>, StoreError> {
        match Store::open_existing(&config.store.path, config.store.busy_timeout).await {
            Ok(store) => Ok(Some(Arc::new(store))),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
