//! The bodies of the PDUs (SMPP 3.4, section 4): mandatory parameters in their order, then the optional ones.

use crate::{
    explain::{
        Found, Options,
        scribe::{Scribe, Stopped},
    },
    wire::smpp::{Command, Header, RESPONSE},
};

use super::{
    field::{self, destination, message_id, number, source, text},
    message::{self, Message},
    optional,
};

/// Where a PDU is specified.
pub(super) fn clause(command: Command) -> &'static str {
    match command.0 & !RESPONSE {
        0x0000_0000 => "SMPP 3.4, 4.3",
        0x0000_0001 | 0x0000_0002 | 0x0000_0009 | 0x0000_000B => "SMPP 3.4, 4.1",
        0x0000_0003 => "SMPP 3.4, 4.8",
        0x0000_0004 => "SMPP 3.4, 4.4",
        0x0000_0005 => "SMPP 3.4, 4.6",
        0x0000_0006 => "SMPP 3.4, 4.2",
        0x0000_0007 => "SMPP 3.4, 4.10",
        0x0000_0008 => "SMPP 3.4, 4.9",
        0x0000_0015 => "SMPP 3.4, 4.11",
        0x0000_0021 => "SMPP 3.4, 4.5",
        0x0000_0102 => "SMPP 3.4, 4.12",
        0x0000_0103 => "SMPP 3.4, 4.7",
        _ => "",
    }
}

pub(super) fn explain(
    w: &mut Scribe<'_>,
    header: &Header,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    // An answer that refuses need have no body.
    if header.command.is_response() && header.status.0 != 0 && w.is_empty() {
        return Ok(());
    }
    let mut message = None;
    match header.command.0 {
        0x0000_0001 | 0x0000_0002 | 0x0000_0009 => bind(w)?,
        0x0000_000B => {
            system_id(w)?;
            field::password(w)?;
        }
        0x8000_0001 | 0x8000_0002 | 0x8000_0009 => system_id(w)?,
        0x0000_0004 | 0x0000_0005 => message = Some(short_message(w, header.command, options, found)?),
        0x0000_0021 => message = Some(submit_multi(w, options, found)?),
        0x0000_0103 => message = Some(data_sm(w)?),
        0x8000_0004 | 0x8000_0005 | 0x8000_0103 => message_id(w)?,
        0x8000_0021 => submit_multi_resp(w)?,
        0x0000_0003 => {
            message_id(w)?;
            source(w)?;
        }
        0x8000_0003 => {
            message_id(w)?;
            field::time(w, "final_date", "SMPP 3.4, 4.8.2")?;
            let state = w.octet("message_state", "SMPP 3.4, 5.2.28")?;
            field::say_state(w, state);
            number(w, "error_code", "SMPP 3.4, 4.8.2")?;
        }
        0x0000_0008 => {
            service_type(w)?;
            message_id(w)?;
            source(w)?;
            destination(w)?;
        }
        0x0000_0007 => replace_sm(w)?,
        0x0000_0102 => {
            source(w)?;
            field::address(w, ["esme_addr_ton", "esme_addr_npi", "esme_addr"], 65)?;
        }
        // These have none.
        0x0000_0006 | 0x8000_0006 | 0x8000_0007 | 0x8000_0008 | 0x0000_0015 | 0x8000_0015 | 0x8000_0000 => {}
        _ => {
            w.take_unknown("not explained");
            return Ok(());
        }
    }
    optional::explain(w, message.as_ref(), options, found)
}

fn system_id(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    text(w, "system_id", "SMPP 3.4, 5.2.1", 16).map(|_| ())
}

fn service_type(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    text(w, "service_type", "SMPP 3.4, 5.2.11", 6).map(|_| ())
}

fn bind(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    system_id(w)?;
    field::password(w)?;
    text(w, "system_type", "SMPP 3.4, 5.2.3", 13)?;
    let version = w.octet("interface_version", "SMPP 3.4, 5.2.4")?;
    w.says(format!("{}.{}", version >> 4, version & 0x0F));
    field::type_and_plan(w, "addr_ton", "addr_npi")?;
    text(w, "address_range", "SMPP 3.4, 5.2.7", 41).map(|_| ())
}

/// submit_sm and deliver_sm.
fn short_message(
    w: &mut Scribe<'_>,
    command: Command,
    options: &Options,
    found: &mut Found,
) -> Result<Message, Stopped> {
    service_type(w)?;
    let (from, to) = (source(w)?, destination(w)?);
    content(w, command == Command::SUBMIT_SM, format!("{from} to {to}"), options, found)
}

/// From `esm_class` on, as three PDUs have it.
fn content(
    w: &mut Scribe<'_>,
    submitted: bool,
    route: String,
    options: &Options,
    found: &mut Found,
) -> Result<Message, Stopped> {
    let esm_class = field::esm_class(w, submitted)?;
    number(w, "protocol_id", "SMPP 3.4, 5.2.13")?;
    field::priority(w)?;
    field::time(w, "schedule_delivery_time", "SMPP 3.4, 5.2.15")?;
    field::time(w, "validity_period", "SMPP 3.4, 5.2.16")?;
    field::registered_delivery(w)?;
    number(w, "replace_if_present_flag", "SMPP 3.4, 5.2.18")?;
    let coding = field::data_coding(w)?;
    number(w, "sm_default_msg_id", "SMPP 3.4, 5.2.20")?;
    let length = number(w, "sm_length", "SMPP 3.4, 5.2.21")?;
    let mark = w.last();
    let rest = w.rest().get(usize::from(length)..).unwrap_or_default();
    let has_text = length > 0;
    let message =
        Message { esm_class, coding, submitted, route, length: Some(mark), has_text, ..Message::default() };
    let message = optional::announced(rest, message);
    if has_text {
        w.region(usize::from(length), "short_message", "SMPP 3.4, 5.2.22", |w| {
            message::explain(w, &message, options, found)
        });
    }
    Ok(message)
}

fn data_sm(w: &mut Scribe<'_>) -> Result<Message, Stopped> {
    service_type(w)?;
    let from = source(w)?;
    let to = field::address(w, ["dest_addr_ton", "dest_addr_npi", "destination_addr"], 65)?;
    // Which way it goes, the octets do not say.
    let esm_class = field::esm_class(w, false)?;
    field::registered_delivery(w)?;
    let coding = field::data_coding(w)?;
    let message = Message { esm_class, coding, route: format!("{from} to {to}"), ..Message::default() };
    Ok(optional::announced(w.rest(), message))
}

fn submit_multi(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<Message, Stopped> {
    service_type(w)?;
    let from = source(w)?;
    let count = number(w, "number_of_dests", "SMPP 3.4, 5.2.24")?;
    for _ in 0..count {
        w.begin("dest_address", "SMPP 3.4, 4.5.1");
        match number(w, "dest_flag", "SMPP 3.4, 5.2.25")? {
            1 => {
                w.says("1: a number");
                destination(w)?;
            }
            2 => {
                w.says("2: a distribution list");
                text(w, "dl_name", "SMPP 3.4, 5.2.27", 21)?;
            }
            _ => {
                w.wrong("expected 1 (a number) or 2 (a distribution list)");
                return Err(Stopped);
            }
        }
        w.finish();
    }
    content(w, true, format!("{from} to {count}"), options, found)
}

fn submit_multi_resp(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    message_id(w)?;
    let count = number(w, "no_unsuccess", "SMPP 3.4, 5.2.26")?;
    for _ in 0..count {
        w.begin("unsuccess_sme", "SMPP 3.4, 4.5.2");
        destination(w)?;
        let octets = w.take(4, "error_status_code", "SMPP 3.4, 5.1.3")?;
        let code = octets.iter().fold(0u32, |sum, octet| sum << 8 | u32::from(*octet));
        let status = crate::wire::smpp::CommandStatus(code);
        w.says(status.meaning().map_or_else(|| status.to_string(), str::to_owned));
        w.finish();
    }
    Ok(())
}

fn replace_sm(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    message_id(w)?;
    source(w)?;
    field::time(w, "schedule_delivery_time", "SMPP 3.4, 5.2.15")?;
    field::time(w, "validity_period", "SMPP 3.4, 5.2.16")?;
    field::registered_delivery(w)?;
    number(w, "sm_default_msg_id", "SMPP 3.4, 5.2.20")?;
    let length = number(w, "sm_length", "SMPP 3.4, 5.2.21")?;
    // How it is coded, the message that it takes the place of says.
    w.region(usize::from(length), "short_message", "SMPP 3.4, 5.2.22", |w| {
        w.take_unknown("text or data");
        Ok(())
    });
    Ok(())
}
