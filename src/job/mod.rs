//! Jobs: one device, one account, one state machine, one history.
