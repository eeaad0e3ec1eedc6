//! Registers the account with the target DM server and watches for the first session.
