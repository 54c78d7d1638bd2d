//! The program as a process: its commands, its pages, and what it withstands.

mod browser;
mod browser_lab;
mod browser_static;
mod cli_bench;
mod cli_capture;
mod cli_check;
mod cli_check_hostile;
mod cli_check_learn;
mod cli_check_listen;
mod cli_check_random;
mod cli_check_reports;
mod cli_connect;
mod cli_decode;
mod cli_encode;
mod cli_exercise;
mod cli_explain;
mod cli_handshake;
mod cli_help;
mod cli_listen;
mod cli_paste;
#[cfg(unix)]
mod cli_prompt;
mod cli_proxy;
mod cli_reach;
mod cli_rules;
mod cli_stalled;
mod cli_systemd;
mod cli_trace;
mod cli_why;
#[cfg(unix)]
mod deploy;
#[path = "support/devtools.rs"]
mod devtools;
mod draining;
mod faults;
#[cfg(unix)]
mod health_checks;
mod lab;
mod lab_commands;
mod lab_pages;
mod memory;
mod metrics;
mod monitoring;
mod program;
mod proxy;
#[cfg(unix)]
mod readme_commands;
mod static_files;
mod support;
