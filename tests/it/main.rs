//! entra-psql against real parts: the real psql, PostgreSQL, TLS and Azure CLI in the sandbox.
//!
//! One test program, so that the sandbox comes up once for all of it.

#![cfg(unix)]

mod page;
mod recorder;
mod snapshot;
mod support;
mod user;
#[path = "../windows/wine.rs"]
mod wine;

mod auto;
mod az_failures;
mod azd;
mod bounds;
mod certificates;
mod cleaning;
mod clouds;
mod completions;
mod decision;
mod destination;
mod directories;
mod doctor;
mod doctor_links;
mod doctor_refusals;
mod exec;
mod help;
mod identities;
mod identity_failures;
mod interactive;
mod interactive_device;
mod interactive_listener;
mod interactive_store;
mod login_offer;
mod long_session;
mod loops;
mod network;
mod pages;
mod pgadmin;
mod powershell;
mod print;
mod process;
mod proxy_clients;
mod proxy_doors;
mod proxy_ends;
mod proxy_faults;
mod proxy_programs;
mod proxy_protocol;
mod proxy_sessions;
mod proxy_support;
mod readme;
mod ready;
mod real_clients;
mod refusals;
mod regression;
mod remember;
mod remember_files;
mod renew;
mod renew_terminal;
mod robust;
mod roles;
mod roots;
mod secrecy;
mod shared_machine;
mod shells;
mod sign_in;
mod start_up_files;
mod system_word;
mod tls;
mod told;
mod unix_only;
mod usage;
