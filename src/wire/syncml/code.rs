//! Alert and status codes (OMA DM Protocol 1.2; OMA DM RepPro 1.2): open registries, so integers with names.

/// An alert code: an open registry (OMA DM Protocol 1.2; sheet section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlertCode(pub u16);

impl AlertCode {
    /// 1200: the session was asked for by the server (package 0).
    pub const SERVER_INITIATED: Self = Self(1200);
    /// 1201: the session is the client's own wish.
    pub const CLIENT_INITIATED: Self = Self(1201);
    /// 1222: send the next message of the package.
    pub const NEXT_MESSAGE: Self = Self(1222);
    /// 1223: the session is given up.
    pub const SESSION_ABORT: Self = Self(1223);
    /// 1226: generic alert.
    pub const GENERIC: Self = Self(1226);
}

/// A status code: an open registry (sheet section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// 200: done.
    pub const OK: Self = Self(200);
    /// 202: accepted, done later.
    pub const ACCEPTED: Self = Self(202);
    /// 212: authenticated for the whole session.
    pub const AUTHENTICATED: Self = Self(212);
    /// 213: chunk accepted.
    pub const CHUNK_ACCEPTED: Self = Self(213);
    /// 215: not executed.
    pub const NOT_EXECUTED: Self = Self(215);
    /// 216: rolled back.
    pub const ROLLED_BACK: Self = Self(216);
    /// 400: bad request.
    pub const BAD_REQUEST: Self = Self(400);
    /// 401: wrong credentials.
    pub const INVALID_CREDENTIALS: Self = Self(401);
    /// 404: not found.
    pub const NOT_FOUND: Self = Self(404);
    /// 405: not allowed.
    pub const NOT_ALLOWED: Self = Self(405);
    /// 406: optional feature not supported.
    pub const NOT_SUPPORTED: Self = Self(406);
    /// 407: credentials missing.
    pub const MISSING_CREDENTIALS: Self = Self(407);
    /// 415: format or type not supported.
    pub const UNSUPPORTED_FORMAT: Self = Self(415);
    /// 418: exists already.
    pub const EXISTS: Self = Self(418);
    /// 425: the ACL does not permit it.
    pub const PERMISSION_DENIED: Self = Self(425);
    /// 500: failed.
    pub const FAILED: Self = Self(500);
    /// 507: atomic failed.
    pub const ATOMIC_FAILED: Self = Self(507);
    /// 513: protocol version not supported.
    pub const VERSION_NOT_SUPPORTED: Self = Self(513);
}
