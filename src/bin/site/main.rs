//! The program `site`: makes a cluster, runs a site of it, and sends requests to it.

mod answers;
mod ask;
mod bench;
mod children;
mod client_key;
mod colour;
mod commands;
mod completion;
mod completions;
mod ending;
mod error;
mod init;
mod local;
mod logs;
mod objects;
mod prompt;
mod restore;
mod run;
mod signals;
mod status;
mod terminal;
mod writer;

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use aviary::replicated::sites_ron;
use aviary::udp::recorder::{RECORD_MAX, RECORD_MIN};
use clap::{ArgAction, ColorChoice, CommandFactory, Parser, Subcommand};

use crate::error::{EXIT_CODES, ProgramError};
use crate::logs::LogFormat;

/// A small social timeline that several sites agree on: makes a cluster, runs a site of it, and sends requests to it.
#[derive(Debug, Parser)]
#[command(name = "site", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: ProgramCommand,
    /// Logs more to standard error: what happened (-v), and what was dropped (-vv).
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// The format of logs on standard error.
    #[arg(long, global = true, value_enum, default_value_t)]
    log_format: LogFormat,
    /// When to colour help, logs, errors and the last row of `local`; `auto`: on terminals unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum ProgramCommand {
    /// Writes sites.ron, and beside it keys and a folder of formatted storage for each site: site-0, site-1, …
    Init(Init),
    /// Runs one site, with its terminal on standard input and output.
    #[command(after_long_help = commands::HELP)]
    Run(RunArgs),
    /// Writes a client key: one of 64 that are derived from client-master.key, each for its own 1,024 clients.
    ClientKey(client_key::Write),
    /// Runs a whole cluster on this machine in one terminal, to try out, with crashes, restarts and partitions.
    #[command(after_long_help = local::HELP)]
    Local(local::Local),
    /// Restores a whole cluster from copies of all its storage, under another number and with other keys.
    Restore(restore::RestoreArgs),
    #[command(flatten)]
    Ask(ask::Ask),
    /// Measures commits per second of clusters on this machine, beside a program that does only the necessary work.
    Bench(bench::Bench),
    /// Prints a script that lets a shell complete the commands and flags of this program.
    #[command(after_help = completions::HELP)]
    Completions(completions::Completions),
    #[command(hide = true)]
    BenchPart(bench::BenchPartArgs),
}

#[derive(Debug, clap::Args)]
struct Init {
    /// The number of sites.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=9))]
    sites: u8,
    /// The folder to write to; created if it is missing.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Site 0 gets this port of 127.0.0.1, site 1 the next, and so on. Edit sites.ron for other machines.
    #[arg(long, default_value_t = 7100, value_parser = clap::value_parser!(u16).range(1..))]
    base_port: u16,
    /// The most client sessions that may be open at a time; it cannot be changed later.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    sessions_max: u32,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// The cluster's sites.ron.
    #[arg(long)]
    config: PathBuf,
    /// The number of this site, from 0.
    #[arg(long)]
    id: u8,
    /// The folder of this site's storage [default: site-ID beside the config].
    #[arg(long)]
    data: Option<PathBuf>,
    /// The address to listen on, if the address that the others send to is not this machine's own. Port 0 takes a free
    /// port, which the first line of the output names.
    #[arg(long, value_parser = listen_address)]
    listen: Option<SocketAddr>,
    /// The file with the key of the sites [default: cluster.key beside the config].
    #[arg(long)]
    key: Option<PathBuf>,
    /// The file with the key that client keys are derived from [default: client-master.key beside the config, if it is
    /// there].
    #[arg(long)]
    client_master: Option<PathBuf>,
    /// Records all inputs and outputs of the site into files in this folder, for `sim-runner replay-recording`. The
    /// files hold what users write, unencrypted.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// The most space for these files together, from 16MiB to 8GiB; the oldest are removed first.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", requires = "record", value_parser = record_max)]
    record_max: u64,
    /// Reads no commands, and runs until SIGTERM or SIGINT: for services.
    #[arg(long, visible_alias = "no-terminal")]
    headless: bool,
}

/// Parses an address that one program can listen on.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "expected an IP address and a port, like 192.0.2.1:7100".to_owned())?;
    sites_ron::check_unicast(address).map(|()| address)
}

/// Parses a size such as `256MiB` into bytes.
fn record_max(text: &str) -> Result<u64, String> {
    let units = [("MiB", 20), ("GiB", 30)];
    let found = units.into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let bytes = found.and_then(|(number, shift)| number.parse::<u64>().ok()?.checked_mul(1 << shift));
    bytes
        .filter(|bytes| (RECORD_MIN..=RECORD_MAX).contains(bytes))
        .ok_or_else(|| "expected a size from 16MiB to 8GiB, like 256MiB".into())
}

/// The error after a panic.
const BROKEN: &str = "an invariant does not hold; the site stopped before anything else left it";

fn main() -> ExitCode {
    let is_json = error::wants_json(env::args_os());
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if is_json && error.use_stderr() => {
            let _ = io::stderr().write_all(error::usage_json(&error).as_bytes());
            return ExitCode::from(2);
        }
        Err(error) => {
            colour::choose(colour::asked_for(env::args_os()));
            error.exit()
        }
    };
    colour::choose(arguments.color);
    let started = aviary::replicated::real::outlive_file_limits();
    if let Err(error) = started.and_then(|()| logs::start(arguments.verbose, arguments.log_format)) {
        // If standard error takes nothing, the exit code must do.
        let _ = writeln!(io::stderr(), "error: failed to start to log: {error}");
        return ExitCode::from(1);
    }
    // A broken invariant panics with its values; that is a failure of the protocol.
    let result = catch_unwind(AssertUnwindSafe(|| match &arguments.command {
        ProgramCommand::Init(init) => init::init(init),
        ProgramCommand::Run(run) => run::run(run),
        ProgramCommand::ClientKey(write) => client_key::write(write),
        ProgramCommand::Local(local) => local::local(local),
        ProgramCommand::Restore(restore) => restore::restore(restore),
        ProgramCommand::Ask(ask) => ask::ask(ask),
        ProgramCommand::Bench(bench) => bench::bench(bench),
        ProgramCommand::Completions(completions) => completions::print(completions, &Arguments::command()),
        ProgramCommand::BenchPart(part) => bench::part(part),
    }));
    let error = match result {
        Ok(Ok(())) => {
            logs::end();
            return ExitCode::SUCCESS;
        }
        Ok(Err(error)) => error,
        Err(_) => ProgramError::Run(BROKEN.into()),
    };
    logs::print(&if is_json { error.json() } else { error.text(colour::is_on(&io::stderr())) });
    logs::end();
    ExitCode::from(error.code())
}
