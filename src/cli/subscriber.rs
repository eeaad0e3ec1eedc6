//! `--imsi`, `--imei`, `--iccid`, `--msisdn`: the numbers of one subscriber. They are read here and not by the argument
//! parser, because its errors repeat the value, and an IMSI must not stand in an error.

use std::str::FromStr;

use super::{Exit, Failure};
use crate::profile::Subscriber;

/// The numbers that fill in a profile's placeholders.
#[derive(Clone, Default, clap::Args)]
pub(super) struct SubscriberArgs {
    /// IMSI of the card: 6 to 15 digits; fills {imsi}, and is the key of netwpin.
    #[arg(long, value_name = "DIGITS")]
    imsi: Option<String>,
    /// IMEI of the device: 15 digits, the last a check digit; fills {imei}.
    #[arg(long, value_name = "DIGITS")]
    imei: Option<String>,
    /// ICCID of the card: 18 to 20 digits; fills {iccid}.
    #[arg(long, value_name = "DIGITS")]
    iccid: Option<String>,
    /// Telephone number: 3 to 15 digits, international; fills {msisdn}.
    #[arg(long, value_name = "DIGITS")]
    msisdn: Option<String>,
}

impl SubscriberArgs {
    /// Reads the numbers.
    pub(super) fn read(&self) -> anyhow::Result<Subscriber> {
        Ok(Subscriber {
            imsi: number("--imsi", self.imsi.as_deref())?,
            imei: number("--imei", self.imei.as_deref())?,
            iccid: number("--iccid", self.iccid.as_deref())?,
            msisdn: number("--msisdn", self.msisdn.as_deref())?,
        })
    }
}

impl std::fmt::Debug for SubscriberArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubscriberArgs(…)")
    }
}

fn number<T: FromStr<Err: std::fmt::Display>>(option: &str, text: Option<&str>) -> anyhow::Result<Option<T>> {
    let read = text.map(str::parse).transpose();
    read.map_err(|e: T::Err| Failure::because(Exit::Usage, format!("{option}: {e}")))
}
