//! Real sites of any machine, and their clients: the files of a cluster, a site over UDP, and blocking calls.
//!
//! The program `site` does more with the same parts: a terminal, logs, recordings, backups.

pub mod client;
mod files;
mod site;
pub mod terms;

use std::fmt;

pub use client::{Client, ClientError, ClientOptions, ReportOptions, SiteReport, reports, statuses};
pub use files::{NewCluster, init, local, random};
pub use site::{Serving, open, open_and_announce, outlive_file_limits, start};

/// Why a site does not run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RealError {
    /// The request or the configuration is wrong.
    Wrong(String),
    /// The operating system refuses, or storage is damaged.
    Failed(String),
}

impl fmt::Display for RealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RealError::Wrong(why) | RealError::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for RealError {}
