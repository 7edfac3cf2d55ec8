//! Aviary: a deterministic simulation test harness with a real replicated service inside it.
//!
//! # Bird's-eye view
//!
//! A protocol is a [`Process`](process::Process): a state machine whose one function takes an [`Input`](process::Input)
//! and writes [`Effects`](process::Effects). Two hosts run it. The simulator ([`sim`]) runs a whole cluster in one
//! seeded thread, injects faults and shows every event to [`judges`]. The real host (`udp`) has a socket, a clock and
//! files. Both hosts use the same bytes for journal, outbox and datagrams.
//!
//! ```text
//!  scenario file ──read──▶ Scenario ──plan──▶ World ──run──▶ Trace + Verdict
//!                                               │
//!                   Input ──▶ Process::handle ──▶ Effects ──▶ Journal (records) ──sync──▶ Outbox ──▶ datagrams
//! ```
//!
//! # Reading order
//!
//! 1. [`process`]: the interface between protocol and host. [`outbox`]: why no message leaves before the records that
//!    it depends on are durable.
//! 2. `replicated::paxos`, from its module documentation; `replicated`: how a site uses it; `tweets`: the service on
//!    top.
//! 3. [`journal`]: what is durable and how recovery reads it.
//! 4. [`sim`]: the world, the script, the trace. `tweets::judges`: the properties that must hold.
//! 5. `scenario` and `tweets::service`: from a file to a verdict. `udp` and `replicated::real`: the same code on real
//!    machines. [`recording`]: replays what a real site recorded.
//!
//! If you bring another protocol, begin with [`prelude`], `protocol`, `docs/adopting.md` and `examples/`. If you change this code,
//! `docs/architecture.md` has the map of files, the invariants, and where the usual changes go.
//!
//! # Features
//!
//! `replicated` and `tweets` are the modules of that name, `tweets` with the other. The harness is everything else: it is
//! built without them, with `scenario` for files, runs and searches, and with `udp` for real sites. By default there are
//! `scenario` and `tweets`. With `schema` the words of files have JSON Schemas; `sim-runner` needs that. With `testing`
//! files become tests. The program `site` needs `tweets` and `udp`. With `serde`, which `scenario` brings along, and with
//! `prost`, types that derive serde's traits and protocol buffers are messages ([`foreign`]). With `log`, `slog` or
//! `tracing`, traces show the lines of that crate. Without `std`, which `scenario` and `udp` bring along, the rest is
//! `no_std` + `alloc`, the tweets included.
//!
//! # Architecture invariants
//!
//! - **Floors.** A module uses modules of lower floors, never modules of higher floors or the other host: `border` (0),
//!   which is [`cow_log`], [`foreign`], [`frame`], [`ids`], [`mix`], [`outbox`], [`process`], [`time`], [`wire`] and the
//!   macros;
//!   `journal`, `recording`, `ron_file`, `replicated::paxos` (1); `replicated` (2); `sim`, `udp`, `tweets::timeline`,
//!   `tweets::site` (3); `judges`, `foreign::logs`, `foreign::rebuilt`, `scenario`, `protocol`, `replicated::calls`,
//!   `replicated::service`, `replicated::sites_ron`, `replicated::real`, `tweets::judges`, `tweets::service`,
//!   `tweets::client`, `tweets` (4); `search`, `testing`, `prelude` (5); the programs `bin`, `sim-runner`,
//!   `sim-runner::tweets`, `sim-runner::bin` (6). The table in `tests/floors/table.rs` lists which module may use which;
//!   a test beside it reads the sources and forbids the rest.
//! - **Nothing below the hosts reads a clock**, draws at random, iterates in the order of a hash, or has threads or
//!   globals. Those floors build as `no_std` + `alloc`, and clippy's lists forbid the rest. `foreign::logs` and
//!   `foreign::rebuilt`, above them, have a slot for the log lines of each thread, and counters; no run depends on either.
//! - **`sim`, `udp`, `journal`, `recording`, `ron_file`, `judges`, `scenario`, `protocol` and `search` know no protocol**;
//!   `replicated` knows no tweets.
//! - **The protocol has no switches for tests.** A test and a real site differ only in the host.
//! - **A run is a function** of its scenario (with its seed) and the code. Tracing, build profile, process and machine
//!   do not change its fingerprint.
#![cfg_attr(not(feature = "std"), no_std)]

#[doc(hidden)]
pub extern crate alloc;

#[macro_use]
mod macros;
#[macro_use]
pub mod wire;

pub mod cow_log;
#[macro_use]
pub mod foreign;
pub mod frame;
pub mod ids;
pub mod journal;
#[macro_use]
pub mod judges;
pub mod mix;
pub mod outbox;
pub mod prelude;
pub mod process;
#[cfg(feature = "scenario")]
pub mod protocol;
pub mod recording;
#[cfg(feature = "replicated")]
pub mod replicated;
#[cfg(any(feature = "scenario", all(feature = "tweets", feature = "udp")))]
pub mod ron_file;
#[cfg(feature = "scenario")]
pub mod scenario;
#[cfg(feature = "scenario")]
pub mod search;
pub mod sim;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
#[cfg(feature = "tweets")]
pub mod tweets;
#[cfg(feature = "udp")]
pub mod udp;
