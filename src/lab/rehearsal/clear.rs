//! What earlier runs left on a card: a bootstrap of the other kind for the same server, which a phone would go by instead of
//! the one that is rehearsed.

use super::{Party, Plot, RehearsalError, recorder::Recorder};
use crate::{
    app::App,
    bootstrap::{self, PayloadKind},
    card::{self, AdmKeys, CardTransport, Depth, FileSystem, KeyGuard, Session},
    ident::ServerId,
    job::{CardJobError, Observer, describe},
};

/// Empties bootstrap files of other kinds that hold an account of the server that is rehearsed with. Blocks.
pub(super) fn clear_others(
    mut transport: Box<dyn CardTransport>,
    plot: &Plot,
    app: &App,
    recorder: &Recorder,
) -> Result<(), RehearsalError> {
    let Some(account) = &plot.profile.dm_account else { return Err(RehearsalError::NoAccount) };
    let mut station = recorder.at_station(&plot.profile);
    let mut session = Session::new(&mut *transport);
    session.set_trace(move |apdu| station.exchanged(apdu));
    let mut fs = FileSystem::new(session);
    let others: Vec<_> =
        PayloadKind::ALL.into_iter().filter(|k| *k != plot.payload).map(PayloadKind::oid).collect();
    let view = card::locate(&mut fs, Depth::Objects(&others)).map_err(CardJobError::from)?;
    let same_server = |octets: &[u8]| server_of(octets).is_some_and(|server| server == account.server_id);
    let stale = |oid: &_| view.file(*oid).and_then(|f| f.content.used()).is_some_and(same_server);
    let stale: Vec<_> = others.iter().copied().filter(stale).collect();
    if stale.is_empty() {
        return Ok(());
    }
    recorder.note(
        Party::Station,
        format!("another bootstrap for {} is on the card: empty it", account.server_id),
    );
    let adm = AdmKeys::new(&plot.adm, &plot.keys);
    let options = plot.layout.or(&plot.profile.card).options(&adm, &describe);
    let plan = card::plan_erase(&mut fs, &stale, &options)?;
    let (journal, policy) = (app.key_journal(), app.key_policy());
    let guard = KeyGuard::new(&*journal, &policy);
    card::apply(&mut fs, &plan, &plot.keys, &guard, &*app.write_journal())?;
    Ok(())
}

/// The server that a bootstrap sets an account of.
fn server_of(octets: &[u8]) -> Option<ServerId> {
    let settings = bootstrap::read(bootstrap::recognise(octets)?, octets).ok()?;
    settings.dm_account.map(|account| account.server_id)
}
