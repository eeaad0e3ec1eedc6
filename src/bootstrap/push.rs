//! A payload as the push that carries it: which content type, and which application it is for.

use crate::wire::wsp::{Authentication, Push, Sec};

use super::{Payload, PayloadKind, mac::Signature};

/// The push of a payload with its signature. Without one it proves nothing, and devices should drop it: that is for the
/// caller to ask for.
pub fn push(tid: u8, payload: &Payload, signature: Option<&Signature>) -> Push {
    let authentication = signature.map(|s| Authentication { sec: Sec(s.sec.number()), mac: s.mac });
    let made = match payload.kind {
        PayloadKind::Cp => Push::client_provisioning,
        PayloadKind::Dm => Push::dm_bootstrap,
    };
    made(tid, authentication.as_ref(), payload.octets.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        bootstrap::mac::{self, Sec as Method},
        ident::{Imsi, Pin},
        wire::{Encode as _, vectors, wdp::Segment},
    };

    fn signed_push(
        tid: u8,
        kind: PayloadKind,
        sec: u64,
        pin: Option<&str>,
        imsi: Option<&str>,
        octets: Vec<u8>,
    ) -> Vec<u8> {
        let sec = Method::from_number(u8::try_from(sec).unwrap()).unwrap();
        // Of a USERPINMAC the first half is the key.
        let pin = pin.map(|pin| if sec == Method::UserPinMac { &pin[..pin.len() / 2] } else { pin });
        let pin: Option<Pin> = pin.map(|pin| pin.parse().unwrap());
        let imsi: Option<Imsi> = imsi.map(|imsi| imsi.parse().unwrap());
        let payload = Payload { kind, octets, losses: Vec::new() };
        let signature = mac::sign(kind, sec, imsi.as_ref(), pin.as_ref(), &payload.octets).unwrap();
        push(tid, &payload, Some(&signature)).to_octets()
    }

    /// The pushes of others, made again from their documents and keys, octet by octet.
    #[test]
    fn pushes_of_others_come_out_again() {
        let Some(folder) = vectors::folder("cp") else { return };
        let mut made = 0;
        for name in vectors::names(&folder, "json") {
            let case: Value = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
            let Some(wanted) = case["wsp_push_pdu_hex"].as_str().map(vectors::hex) else { continue };
            if case["expect"] != "authentic" {
                continue;
            }
            let (pin, imsi) = (case["pin"].as_str(), case["imsi"].as_str());
            let document = vectors::read(&folder, &name, "wbxml");
            let ours =
                signed_push(wanted[0], PayloadKind::Cp, case["sec"].as_u64().unwrap(), pin, imsi, document);
            assert_eq!(ours, wanted, "{name}");
            made += 1;
        }
        assert_eq!(made, 12);
    }

    /// Nine real messages: what is in front of the document, from their keys.
    #[test]
    fn headers_of_captured_pushes_come_out_again() {
        let Some(folder) = vectors::folder("push") else { return };
        let mut made = 0;
        for name in vectors::names(&folder, "json") {
            let case: Value = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
            let expect = &case["expect"];
            let Some(sec) = expect["sec"].as_u64() else { continue };
            let lines = String::from_utf8(vectors::read(&folder, &name, "hex")).unwrap();
            let lines = lines.lines().map(vectors::hex);
            let pdu: Vec<u8> = if let Some(composed) = case["wsp_composed"].as_str() {
                vectors::hex(composed)
            } else if case["udh"].is_array() {
                let mut parts: Vec<(u8, Vec<u8>)> = lines
                    .map(|line| {
                        let segment = Segment::decode(&line).unwrap();
                        (segment.udh.concatenation().map_or(1, |c| c.sequence()), segment.data)
                    })
                    .collect();
                parts.sort();
                parts.into_iter().flat_map(|(_, data)| data).collect()
            } else {
                lines.flatten().collect()
            };
            let taken = Push::decode(&pdu).unwrap();
            let key = expect["mac_key"]["value"].as_str();
            let (pin, imsi) = if sec == 0 { (None, key) } else { (key, None) };
            assert_eq!(
                signed_push(taken.tid, PayloadKind::Cp, sec, pin, imsi, taken.body.clone()),
                pdu,
                "{name}"
            );
            assert_eq!(vectors::hex(expect["tid"].as_str().unwrap()), [taken.tid], "{name}");
            made += 1;
        }
        assert_eq!(made, 9);
    }

    #[test]
    fn a_dm_bootstrap_is_pushed_to_the_dm_client() {
        let Some(folder) = vectors::folder("dm") else { return };
        let case: Value =
            serde_json::from_slice(&vectors::read(&folder, "wsp-push-boot-networkid", "json")).unwrap();
        let message = vectors::read(&folder, "boot-inbox-tnds-opaque", "wbxml");
        let mut wanted = vectors::hex(case["wsp_header_hex"].as_str().unwrap());
        wanted.extend_from_slice(&message);
        assert_eq!(Some(wanted.len()), case["pdu_len"].as_u64().and_then(|n| usize::try_from(n).ok()));
        let ours = signed_push(1, PayloadKind::Dm, 0, None, Some("262011234567890"), message);
        assert_eq!(ours, wanted);
    }

    #[test]
    fn without_a_signature_there_is_neither_sec_nor_mac() {
        let payload = |kind| Payload { kind, octets: vec![3], losses: Vec::new() };
        assert_eq!(push(7, &payload(PayloadKind::Cp), None).to_octets(), [7, 6, 1, 0xB6, 3]);
        assert_eq!(push(7, &payload(PayloadKind::Dm), None).to_octets(), [7, 6, 3, 0xC2, 0xAF, 0x87, 3]);
    }
}
