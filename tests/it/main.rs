//! Situations: each module is one, told from outside the library, with real peers as processes.

#![expect(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "this crate is nothing but tests")]

mod against_kannel;
mod against_libwbxml;
mod against_tshark;
mod batch;
mod batch_dry_run;
mod batch_first_come;
mod batch_given_up;
mod batch_in_bays;
mod batch_keys;
mod batch_over_pcsc;
mod batch_run;
mod batch_scan;
mod batch_script;
mod batch_torn;
mod bays_over_pcsc;
mod card_job;
mod card_job_cuts;
mod card_keys;
mod card_over_pcsc;
mod card_pins;
mod card_recover;
mod card_scripts;
mod card_settings;
mod cp_and_dm_trees;
mod decode;
mod factory;
mod job_api;
mod kannel_and_smsc;
#[path = "../load/mod.rs"]
#[expect(dead_code, reason = "shared with the soak and the benchmark, which use more of it")]
mod load;
mod new_user;
mod notify;
mod outputs;
mod overwriting;
mod payloads;
mod pcsc;
mod peers;
mod phone_and_dm_server;
mod ppg_http;
mod ppg_kill;
mod ppg_networks;
mod ppg_peers;
mod ppg_smsc;
mod ppg_tls;
mod profile;
mod profiles_come_back;
mod program;
mod push_initiator;
mod push_waiting;
mod pushed_bootstrap;
mod random_profiles;
mod readme;
mod rehearse;
mod rehearse_push;
mod second_bootstrap;
mod secrets;
mod serve;
mod simulate;
mod smpp_peers;
mod station;
mod terminal;
mod tidy;
mod virtual_cards;
