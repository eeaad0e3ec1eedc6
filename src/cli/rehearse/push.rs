//! `bootgate rehearse --route push`: the whole chain on loopback.

use super::{Args, EXAMPLE};
use crate::{
    cli::{Exit, Failure, Global, config, exit::failure, output, profile},
    ident::{Imei, Imsi, Msisdn},
    lab::{
        image::SAMPLE_IMSI,
        rehearsal::{PushPlot, SAMPLE_IMEI, rehearse_push},
    },
    profile::Subscriber,
    wire::Syntax,
};

/// Number of the virtual phone, where no other is given: one that is kept free for examples.
const SAMPLE_MSISDN: &str = "491719990001";

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let with_card = args.pcsc.is_some() || args.save.is_some() || args.card.is_some() || args.apdus;
    if with_card || args.adm.is_some() || args.card_pin.is_some() || !args.quirk.is_empty() {
        let why = "--pcsc, --save, --card, --adm, --card-pin, --quirk and --apdus are for --route card: a push needs no card";
        return Err(Failure::because(Exit::Usage, why));
    }
    let config = config::load(global, Vec::new())?;
    let given = args.subscriber.read()?;
    let imsi: Imsi = given.imsi.clone().map_or_else(|| SAMPLE_IMSI.parse(), Ok)?;
    let imei: Imei = given.imei.clone().map_or_else(|| SAMPLE_IMEI.parse(), Ok)?;
    let msisdn: Msisdn = given.msisdn.clone().map_or_else(|| SAMPLE_MSISDN.parse(), Ok)?;
    let plot = PushPlot {
        profile: super::profile(args)?,
        profile_toml: args
            .profile
            .as_ref()
            .map_or_else(|| Ok(EXAMPLE.to_owned()), |file| profile::text(file))?,
        payload: args.kind,
        subscriber: Subscriber { imsi: Some(imsi), imei: Some(imei.clone()), msisdn: Some(msisdn), ..given },
        imei,
        syntax: if args.xml { Syntax::Xml } else { Syntax::Wbxml },
        seed: args.seed,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let (shown, done) = runtime.block_on(rehearse_push(&plot, config));
    // Servers that are closing their last connections are not waited for.
    runtime.shutdown_background();
    output::emit(global.format, &shown)?;
    done.map_err(failure)?;
    Ok(Exit::Ok)
}
