//! Captures for tshark, and what it says of them.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use super::program;

/// Frames as a capture file holds them (pcap, of the link type that is given).
pub struct Capture(Vec<u8>);

impl Capture {
    /// LINKTYPE_RAW: each frame begins with an IP header.
    pub const IP: u32 = 101;
    /// LINKTYPE_WIRESHARK_UPPER_PDU: each frame says which dissector it is for.
    pub const UPPER: u32 = 252;

    /// A capture, a second between frames.
    pub fn new(link_type: u32, frames: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut out = Vec::new();
        // Magic, version 2.4, zone, accuracy, longest frame, link type.
        let head = [0xA1B2_C3D4, 0x0002_0004, 0, 0, 0xFFFF, link_type];
        out.extend(head.iter().flat_map(|w: &u32| w.to_be_bytes()));
        for (second, frame) in (0u32..).zip(frames) {
            let length = u32::try_from(frame.len()).unwrap();
            out.extend([second, 0, length, length].iter().flat_map(|w| w.to_be_bytes()));
            out.extend(frame);
        }
        Self(out)
    }

    /// The values of fields, a row for each frame.
    pub fn fields(&self, fields: &[&str]) -> Vec<Row> {
        const MANY: &str = "\u{1F}";
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&self.0).unwrap();
        let mut command = Command::new(program("tshark", "tshark"));
        command.args(["-n", "-T", "fields", "-E", "separator=/t", "-E"]).arg(format!("aggregator={MANY}"));
        // A profile of its own: what the user of this machine has set does not count.
        command.arg("-r").arg(file.path()).stdin(Stdio::null()).env("WIRESHARK_CONFIG_DIR", "/nonexistent");
        command.env("LC_ALL", "C.UTF-8");
        command.args(fields.iter().flat_map(|f| ["-e", f]));
        let done = command.output().unwrap();
        assert!(done.status.success(), "tshark: {}", String::from_utf8_lossy(&done.stderr));
        let text = String::from_utf8(done.stdout).unwrap();
        let row = |line: &str| {
            let values = line.split('\t').map(|v| v.split(MANY).map(str::to_owned).collect());
            Row(fields.iter().map(|f| (*f).to_owned()).zip(values).collect())
        };
        text.lines().map(row).collect()
    }
}

/// What tshark says of a frame.
#[derive(Debug)]
pub struct Row(Vec<(String, Vec<String>)>);

impl Row {
    /// The values of a field; none when it is not there.
    pub fn all(&self, field: &str) -> Vec<&str> {
        let values = self
            .0
            .iter()
            .find(|(name, _)| name == field)
            .unwrap_or_else(|| panic!("{field} was not asked for"));
        values.1.iter().map(String::as_str).filter(|v| values.1.len() > 1 || !v.is_empty()).collect()
    }

    /// The first value; empty when there is none.
    pub fn one(&self, field: &str) -> &str {
        self.all(field).first().copied().unwrap_or("")
    }
}

/// A UDP datagram to a port of a device, from the port of a gateway (RFC 768, 791; without checksums).
pub fn udp(port: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).unwrap();
    let mut out = vec![0x45, 0];
    out.extend((20 + length).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    out.extend(9200u16.to_be_bytes());
    out.extend(port.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend([0, 0]);
    out.extend(data);
    out
}

/// Octets for one dissector: tag 12 names it, tag 35 says which way they go (0 to the device), tag 0 ends the tags
/// (Wireshark `epan/exported_pdu.h`).
pub fn upper(dissector: &str, to_device: bool, data: &[u8]) -> Vec<u8> {
    let mut name = dissector.as_bytes().to_vec();
    name.resize(name.len().next_multiple_of(4), 0);
    let mut out = vec![0, 12];
    out.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
    out.extend(name);
    out.extend([0, 35, 0, 4, 0, 0, 0, u8::from(!to_device), 0, 0, 0, 0]);
    out.extend(data);
    out
}
