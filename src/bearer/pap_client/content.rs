//! What a push carries, as its content entity, or as a WSP push.

use crate::wire::{
    pap::multipart::Entity,
    wsp::{EntityError, Push},
};

/// The content of a push: its media type with parameters, the application that it is for, and its octets. `Debug` does not
/// show parameters or octets.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The content type with its parameters, as text: `application/vnd.wap.connectivity-wbxml; SEC=1; MAC=…`.
    pub content_type: String,
    /// `X-Wap-Application-Id`; none for the default one, the browser. Other fields are not sent: one gateway in the field
    /// writes them into the body.
    pub application: Option<String>,
    /// The octets.
    pub octets: Vec<u8>,
}

impl Content {
    /// Whether the content type carries what a device trusts the content by: `SEC` or `MAC`.
    pub fn is_authenticated(&self) -> bool {
        let parameters = self.content_type.split(';').skip(1);
        let mut names = parameters.filter_map(|p| Some(p.split_once('=')?.0.trim()));
        names.any(|name| name.eq_ignore_ascii_case("SEC") || name.eq_ignore_ascii_case("MAC"))
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> &str {
        self.content_type.split(';').next().unwrap_or_default().trim()
    }

    /// The WSP push, as a gateway would make it.
    ///
    /// # Errors
    /// [`EntityError`].
    pub fn push(&self, tid: u8) -> Result<Push, EntityError> {
        let push = Push::of_entity(tid, &self.content_type, self.octets.clone())?;
        match &self.application {
            Some(application) => push.with_field("X-Wap-Application-Id", application),
            None => Ok(push),
        }
    }

    /// How many octets a WSP push of it has, at most: a gateway may write the type as text and add a length and a version.
    pub(super) fn push_octets(&self) -> usize {
        const FRAME: usize = 3; // transaction identifier, PDU type, length of the headers
        const ADDED: usize = 8; // Content-Length and Encoding-Version
        let application = self.application.as_ref().map_or(0, |a| a.len() + 2);
        FRAME + self.content_type.len() + 1 + application + ADDED + self.octets.len()
    }

    pub(super) fn entity(&self) -> Entity<'_> {
        let mut entity = Entity::new(self.content_type.as_str(), &self.octets);
        if let Some(application) = &self.application {
            entity.fields.push(("X-Wap-Application-Id".to_owned(), application.clone()));
        }
        entity
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({}, {} octets)", self.media_type(), self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authentication_is_seen_in_the_content_type() {
        let content = |content_type: &str| Content {
            content_type: content_type.to_owned(),
            application: None,
            octets: vec![3],
        };
        for signed in [
            "application/vnd.wap.connectivity-wbxml; SEC=1; MAC=00AA",
            "application/vnd.wap.connectivity-wbxml;sec=3",
            "application/vnd.syncml.dm+wbxml; charset=utf-8; MAC = AA",
        ] {
            assert!(content(signed).is_authenticated(), "{signed}");
            assert!(!format!("{:?}", content(signed)).contains("AA"));
        }
        for plain in ["application/vnd.wap.sic", "text/plain; charset=utf-8; second=1", "a/b; SECX=1"] {
            assert!(!content(plain).is_authenticated(), "{plain}");
        }
    }
}
