//! One page of routes: the DM endpoint and `/healthz`.
