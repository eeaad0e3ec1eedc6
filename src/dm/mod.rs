//! The DM 1.2 server: octets in, octets out. It knows neither jobs nor bearers nor HTTP.
