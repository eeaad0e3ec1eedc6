//! Readers by the names that people give them.

use crate::{
    app::config::Config,
    card::{BayConfig, BayName, Label, Pcsc, ReaderError, Readers, survey},
    cli::{Exit, Failure, exit::failure},
};

/// How bays are run, as configured.
pub(in crate::cli) fn bay_config(config: &Config) -> BayConfig {
    BayConfig { watchdog: config.card.watchdog, labels: config.card.bays.clone(), only: None }
}

/// The bays that were named, or all: by label, by the name that the service gives to the reader, or by its beginning.
pub(in crate::cli) fn choose(asked: &[String], labels: &[Label]) -> anyhow::Result<Vec<BayName>> {
    let there = survey(&Pcsc, labels).map_err(failure)?;
    if asked.is_empty() {
        if there.is_empty() {
            return Err(failure(ReaderError::NoReaders));
        }
        return Ok(there.into_iter().map(|(bay, ..)| bay).collect());
    }
    let service = Readers::establish().map_err(failure)?;
    let mut chosen: Vec<BayName> = Vec::new();
    for name in asked {
        let labelled = there.iter().find(|(bay, ..)| bay.as_str() == name);
        let found = match labelled {
            Some(found) => Some(found),
            None => {
                let reader = service.resolve(name).map_err(failure)?;
                there.iter().find(|(_, it, _)| *it == reader)
            }
        };
        let Some((bay, ..)) = found else { return Err(failure(ReaderError::NoReaders)) };
        if chosen.contains(bay) {
            return Err(Failure::because(Exit::Usage, format!("--reader {name} names a reader twice")));
        }
        chosen.push(bay.clone());
    }
    Ok(chosen)
}
