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
        return Ok(there.into_iter().map(|found| found.bay).collect());
    }
    let service = Readers::establish().map_err(failure)?;
    let mut chosen: Vec<BayName> = Vec::new();
    for name in asked {
        let labelled = there.iter().find(|found| found.bay.as_str() == name);
        // A reader that cannot be asked now may have the label: it is asked again.
        let may_come = there.iter().any(|found| found.identity.is_none());
        let label = labels.iter().find(|label| may_come && label.name == *name);
        let bay = match (labelled, label) {
            (Some(found), _) => found.bay.clone(),
            (None, Some(label)) => label.into(),
            (None, None) => {
                let reader = service.resolve(name).map_err(failure)?;
                let found = there.iter().find(|found| found.reader == reader);
                found.ok_or_else(|| failure(ReaderError::NoReaders))?.bay.clone()
            }
        };
        if chosen.contains(&bay) {
            return Err(Failure::because(Exit::Usage, format!("--reader {name} names a reader twice")));
        }
        chosen.push(bay);
    }
    Ok(chosen)
}
