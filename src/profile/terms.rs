//! The words that OMA ProvCont 1.1 defines for values (its value tokens; sheet of token tables, attribute values of
//! code pages 0 and 1), each set as one closed type.

use std::{fmt, str::FromStr};

/// A set of words: what the walker over a profile needs to know of it.
pub(super) trait Term: Copy + FromStr + 'static {
    /// All words.
    const WORDS: &'static [&'static str];
}

/// The text is not a word of the set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not one of {expected}")]
pub struct UnknownTerm {
    /// The words of the set.
    pub expected: String,
}

macro_rules! terms {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of their tokens.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl Term for $name {
            const WORDS: &'static [&'static str] = &[$($text),+];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownTerm;

            fn from_str(text: &str) -> Result<Self, UnknownTerm> {
                let found = Self::ALL.iter().copied().find(|t| t.as_str() == text);
                found.ok_or_else(|| UnknownTerm { expected: Self::WORDS.join(", ") })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    };
}

terms! {
    /// `BEARER` of a NAPDEF.
    Bearer {
        GsmUssd = "GSM-USSD",
        GsmSms = "GSM-SMS",
        Ansi136Guts = "ANSI-136-GUTS",
        Is95CdmaSms = "IS-95-CDMA-SMS",
        Is95CdmaCsd = "IS-95-CDMA-CSD",
        Is95CdmaPacket = "IS-95-CDMA-PACKET",
        Ansi136Csd = "ANSI-136-CSD",
        Ansi136Gprs = "ANSI-136-GPRS",
        GsmCsd = "GSM-CSD",
        GsmGprs = "GSM-GPRS",
        AmpsCdpd = "AMPS-CDPD",
        PdcCsd = "PDC-CSD",
        PdcPacket = "PDC-PACKET",
        IdenSms = "IDEN-SMS",
        IdenCsd = "IDEN-CSD",
        IdenPacket = "IDEN-PACKET",
        FlexReflex = "FLEX/REFLEX",
        PhsSms = "PHS-SMS",
        PhsCsd = "PHS-CSD",
        TetraSds = "TETRA-SDS",
        TetraPacket = "TETRA-PACKET",
        Ansi136Ghost = "ANSI-136-GHOST",
        MobitexMpak = "MOBITEX-MPAK",
        Cdma2000SimpleIp = "CDMA2000-1X-SIMPLE-IP",
        Cdma2000MobileIp = "CDMA2000-1X-MOBILE-IP",
    }
}

terms! {
    /// `NAP-ADDRTYPE` of a NAPDEF. A device takes E164 when it is absent, so it is always written.
    NapAddressType {
        Ipv4 = "IPV4",
        Ipv6 = "IPV6",
        E164 = "E164",
        Alpha = "ALPHA",
        Apn = "APN",
        Scode = "SCODE",
        TetraItsi = "TETRA-ITSI",
        Man = "MAN",
    }
}

terms! {
    /// `AUTHTYPE` of a NAPAUTHINFO.
    NapAuthType {
        Pap = "PAP",
        Chap = "CHAP",
        Md5 = "MD5",
    }
}

terms! {
    /// `PXADDRTYPE` of a PXPHYSICAL.
    ProxyAddressType {
        Ipv4 = "IPV4",
        Ipv6 = "IPV6",
        E164 = "E164",
        /// Also what a host name is.
        Alpha = "ALPHA",
    }
}

terms! {
    /// `PXAUTH-TYPE` of a PXAUTHINFO.
    ProxyAuthType {
        HttpBasic = "HTTP-BASIC",
        HttpDigest = "HTTP-DIGEST",
        WtlsSs = "WTLS-SS",
    }
}

terms! {
    /// `SERVICE` of a PORT of a proxy.
    Service {
        ClWsp = "CL-WSP",
        CoWsp = "CO-WSP",
        ClSecWsp = "CL-SEC-WSP",
        CoSecWsp = "CO-SEC-WSP",
        ClSecWta = "CL-SEC-WTA",
        CoSecWta = "CO-SEC-WTA",
        OtaHttpTo = "OTA-HTTP-TO",
        OtaHttpTlsTo = "OTA-HTTP-TLS-TO",
        OtaHttpPo = "OTA-HTTP-PO",
        OtaHttpTlsPo = "OTA-HTTP-TLS-PO",
    }
}

terms! {
    /// `AAUTHTYPE` of the DM account, as far as both DM 1.2 peers here speak it.
    AuthScheme {
        /// `syncml:auth-basic`.
        Basic = "BASIC",
        /// `syncml:auth-md5`.
        Digest = "DIGEST",
    }
}

terms! {
    /// `AAUTHTYPE` of the DM account, as DMAcc lists them (OMA DM Standardized Objects 1.2). BASIC, DIGEST, HTTP-BASIC and
    /// HTTP-DIGEST have tokens in provisioning documents, the others are text there.
    AccountAuthType {
        /// HTTP basic authentication, or the same on another layer.
        HttpBasic = "HTTP-BASIC",
        /// HTTP digest authentication, or the same on another layer.
        HttpDigest = "HTTP-DIGEST",
        /// `syncml:auth-basic`.
        Basic = "BASIC",
        /// `syncml:auth-md5`.
        Digest = "DIGEST",
        /// `syncml:auth-MAC`. Remembered: that documents spell it so.
        Hmac = "HMAC",
        /// `syncml:auth-X509`.
        X509 = "X509",
        /// `syncml:auth-securid`; DMAcc spells it `SECURID`.
        SecureId = "SECUREID",
        /// `syncml:auth-safeword`.
        SafeWord = "SAFEWORD",
        /// `syncml:auth-digipass`.
        DigiPass = "DIGIPASS",
        /// What the transport does by itself. Remembered: that documents spell it so.
        Transport = "TRANSPORT",
    }
}

terms! {
    /// Those of [`AccountAuthType`] that a layer below the protocol knows (DMAcc, `AAuthLevel`).
    LayerAuthType {
        HttpBasic = "HTTP-BASIC",
        HttpDigest = "HTTP-DIGEST",
        Transport = "TRANSPORT",
    }
}

terms! {
    /// Who proves itself to whom in the DM account.
    AuthPlace {
        /// The client to the server.
        Client = "client",
        /// The server to the client.
        Server = "server",
        /// The device to the OBEX layer.
        Obex = "obex",
        /// The device to HTTP or WSP.
        Http = "http",
    }
}

terms! {
    /// `CALLTYPE` of a NAPDEF. A device takes ANALOG-MODEM when it is absent.
    CallType {
        AnalogModem = "ANALOG-MODEM",
        V120 = "V.120",
        V110 = "V.110",
        X31 = "X.31",
        BitTransparent = "BIT-TRANSPARENT",
        DirectAsynchronous = "DIRECT-ASYNCHRONOUS-DATA-SERVICE",
    }
}

terms! {
    /// The quality-of-service parameters of a NAPDEF; their values are numbers that are carried in hexadecimal digits.
    QosParameter {
        DeliveryErrSdu = "DELIVERY-ERR-SDU",
        DeliveryOrder = "DELIVERY-ORDER",
        TrafficClass = "TRAFFIC-CLASS",
        MaxSduSize = "MAX-SDU-SIZE",
        MaxBitrateUplink = "MAX-BITRATE-UPLINK",
        MaxBitrateDnlink = "MAX-BITRATE-DNLINK",
        ResidualBer = "RESIDUAL-BER",
        SduErrorRatio = "SDU-ERROR-RATIO",
        TrafficHandlPrio = "TRAFFIC-HANDL-PRIO",
        TransferDelay = "TRANSFER-DELAY",
        GuaranteedBitrateUplink = "GUARANTEED-BITRATE-UPLINK",
        GuaranteedBitrateDnlink = "GUARANTEED-BITRATE-DNLINK",
    }
}

terms! {
    /// `AUTH-ENTITY` of a NAPAUTHINFO (Mobile IP).
    AuthEntity {
        Aaa = "AAA",
        Ha = "HA",
    }
}

terms! {
    /// `ADDRTYPE` of an APPADDR; none means an IPv4 address, a host name or a URI.
    AppAddressType {
        Ipv6 = "IPV6",
        E164 = "E164",
        Alpha = "ALPHA",
    }
}

terms! {
    /// `AAUTHLEVEL` of an APPAUTH; none means the transport below the application.
    AuthLevel {
        /// The client proves itself to the server.
        AppSrv = "APPSRV",
        /// The server proves itself to the client.
        Client = "CLIENT",
        /// The OBEX layer.
        Obex = "OBEX",
    }
}

terms! {
    /// `version` of a provisioning document.
    CpVersion {
        /// What every client takes.
        V1_0 = "1.0",
        /// With the parameters that OMA ProvCont 1.1 added.
        V1_1 = "1.1",
    }
}

terms! {
    /// How a bootstrap that travels over the air or a cable is authenticated (OMA ProvBoot 1.1, `SEC`).
    SecurityMethod {
        /// Key: the IMSI.
        NetwPin = "netwpin",
        /// Key: a PIN that the user enters.
        UserPin = "userpin",
        /// Key: IMSI and PIN.
        UserNetwPin = "usernetwpin",
        /// The PIN that the user enters holds the MAC.
        UserPinMac = "userpinmac",
        /// No authentication at all; only where the profile says `allow-unauthenticated = true`.
        None = "none",
    }
}

terms! {
    /// How a DM bootstrap carries its objects.
    DmEncoding {
        /// One Add for every node.
        Plain = "plain",
        /// One object for the Inbox, WBXML inside OPAQUE.
        TndsOpaque = "tnds-opaque",
        /// One object for the Inbox, in code page 2 of the message itself.
        TndsInline = "tnds-inline",
        /// One object for the Inbox, XML as text.
        TndsXml = "tnds-xml",
    }
}

terms! {
    /// The shape of an entry in EF(DODF) of a card.
    CardEntry {
        /// oidDO, as cards in the field have it.
        Oid = "oid",
        /// opaqueDO, as the text words it.
        Opaque = "opaque",
    }
}

terms! {
    /// A settings file of a USIM that a profile can fill.
    CardSettings {
        /// EF(ACL), the access points that may be used: those of the profile that have an APN.
        Acl = "acl",
        /// EF(MMSICP), where MMS goes as the issuer says: the application w4 of the profile.
        Mmsicp = "mmsicp",
        /// EF(MMSUCP), where MMS goes as the user says: the same.
        Mmsucp = "mmsucp",
        /// EF(MMSUP), how MMS are sent: `[[card.mms-preferences]]`.
        Mmsup = "mmsup",
        /// EF(NASCONFIG): `[card.nas-config]`.
        Nasconfig = "nasconfig",
        /// EF(IMSConfigData): `[card.ims-config]`.
        Ims = "ims",
        /// EF(XCAPConfigData): `[card.xcap-config]`.
        Xcap = "xcap",
        /// EF(MuDMiDConfigData): `[card.mudmid-config]`.
        Mudmid = "mudmid",
    }
}

terms! {
    /// How important a multimedia message is.
    MmsPriority {
        Low = "low",
        Normal = "normal",
        High = "high",
    }
}

terms! {
    /// Which file of a card a provisioning document goes into. A device takes the first of them that holds one.
    CardCpFile {
        /// CP Bootstrap: of the issuer, and what there is by default.
        Bootstrap = "bootstrap",
        /// CP Config1: of the issuer.
        Config1 = "config1",
        /// CP Config2: the user may change it.
        Config2 = "config2",
    }
}

terms! {
    /// Who may read bootstrap files that are made on a card.
    CardReaders {
        /// Everybody.
        Always = "always",
        /// Whoever has presented a PIN.
        Pin = "pin",
    }
}

terms! {
    /// How `AAuthData`, the nonce of the DM account, is written.
    NonceFormat {
        /// Base64 text, which old devices expect.
        Chr = "chr",
        /// The octets themselves, as DMAcc has it.
        Bin = "bin",
        /// Base64 that the device undoes.
        B64 = "b64",
    }
}

terms! {
    /// A command that an access control list gives to servers. There is none for Copy: it needs the others.
    Right {
        Add = "Add",
        Delete = "Delete",
        Exec = "Exec",
        Get = "Get",
        Replace = "Replace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for b in Bearer::ALL {
            assert_eq!(b.as_str().parse(), Ok(*b));
        }
        assert_eq!(Bearer::ALL.len(), 25);
        assert!("gsm-gprs".parse::<Bearer>().is_err());
        assert!("GSM".parse::<AuthScheme>().unwrap_err().to_string().contains("BASIC, DIGEST"));
    }
}

terms! {
    /// How the PIN of a pushed bootstrap reaches the user: never in the message that it is the key of.
    PinChannel {
        /// Whoever asks for the job is told, and prints a letter.
        Printed = "printed",
        /// A system of the operator is told, by a POST to the address in the configuration.
        Webhook = "webhook",
        /// The device's number gets it as text, in a short message of its own.
        Sms = "sms",
    }
}
