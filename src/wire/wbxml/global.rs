//! The tokens that mean the same in every document, and mb_u_int32 (WAP-192 WBXML 1.3, sections 5.1 and 7.1).

pub(super) use crate::wire::uintvar::{read as mb_u_int32, write as put_mb_u_int32};

/// The next octet is the code page in force from here on.
pub(super) const SWITCH_PAGE: u8 = 0x00;
/// The element, or the list of attributes, ends.
pub(super) const END: u8 = 0x01;
/// A character by its number.
pub(super) const ENTITY: u8 = 0x02;
/// Text up to a NUL.
pub(super) const STR_I: u8 = 0x03;
/// A name in the string table.
pub(super) const LITERAL: u8 = 0x04;
/// A processing instruction.
pub(super) const PI: u8 = 0x43;
/// Text in the string table.
pub(super) const STR_T: u8 = 0x83;
/// Octets with their length.
pub(super) const OPAQUE: u8 = 0xC3;
/// Bit of a tag: content follows.
pub(super) const CONTENT: u8 = 0x40;
/// Bit of a tag: attributes follow.
pub(super) const ATTRIBUTES: u8 = 0x80;
