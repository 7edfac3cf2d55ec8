//! `site tweet`, `view`, `block`, `unblock`, `log`, `blocks` and `status`: one request to a cluster from outside.

use std::path::PathBuf;

use aviary::ids::SiteId;
use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::timeline::{Position, User};
use aviary::udp::{CLIENT_KEY, ClientKey};

use crate::error::ProgramError;
use crate::{answers, objects, status, terminal};

/// The cluster that is asked, and the form of the answer.
#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    /// The cluster's sites.ron.
    #[arg(long)]
    config: PathBuf,
    /// The file with a client key [default: client.key beside the config].
    #[arg(long)]
    client_key: Option<PathBuf>,
    /// The site to ask first [default: any]; if it does not answer, others are asked. `status` asks no other.
    #[arg(long)]
    site: Option<u8>,
    /// How long to wait for an answer: a number with the unit ms, s, min or h.
    #[arg(long, default_value = "5s")]
    pub(crate) timeout: Duration,
    /// Prints one line of JSON instead of text, also for an error.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A request.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Ask {
    /// Posts a tweet, and prints its position in the log once it is there for good.
    Tweet {
        #[command(flatten)]
        args: RequestArgs,
        /// The user who posts it.
        user: String,
        /// The text: 1 to 280 characters.
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Prints what USER may see, newest first.
    View {
        #[command(flatten)]
        args: RequestArgs,
        /// The user whose view it is.
        user: String,
        /// The most tweets to print.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
        /// A linearizable view, which lacks nothing that any site acknowledged to anybody before; at most one page.
        #[arg(long)]
        linearizable: bool,
        /// Prints only tweets before this position in the log, which every page but the last one names.
        #[arg(long, value_name = "SLOT.INDEX")]
        older_than: Option<Position>,
    },
    /// Hides USER's tweets, past and future, from WHOM.
    Block {
        #[command(flatten)]
        args: RequestArgs,
        /// The user who blocks.
        user: String,
        /// The user who is blocked.
        #[arg(value_name = "WHOM")]
        other: String,
    },
    /// Shows USER's tweets to WHOM again.
    Unblock {
        #[command(flatten)]
        args: RequestArgs,
        /// The user who blocks.
        user: String,
        /// The user who is blocked.
        #[arg(value_name = "WHOM")]
        other: String,
    },
    /// Prints the whole log, as far as the asked site knows it.
    Log {
        #[command(flatten)]
        args: RequestArgs,
    },
    /// Prints who blocks whom, as far as the asked site knows.
    Blocks {
        #[command(flatten)]
        args: RequestArgs,
    },
    /// Prints the state of each site; sites that do not answer in time are shown as silent. Ends with code 3 if at most
    /// half of them answered, or if the one named with --site did not.
    Status {
        #[command(flatten)]
        args: RequestArgs,
        /// Also prints the datagram counters of each site since its start.
        #[arg(long)]
        counters: bool,
    },
}

impl Ask {
    fn args(&self) -> &RequestArgs {
        match self {
            Ask::Tweet { args, .. }
            | Ask::View { args, .. }
            | Ask::Block { args, .. }
            | Ask::Unblock { args, .. }
            | Ask::Log { args }
            | Ask::Blocks { args }
            | Ask::Status { args, .. } => args,
        }
    }
}

impl RequestArgs {
    /// The site that is to be asked first, if one is named.
    pub(crate) fn first_site(&self, sites: &Sites) -> Result<Option<SiteId>, ProgramError> {
        let Some(number) = self.site else { return Ok(None) };
        sites.site(number).map(Some).ok_or_else(|| {
            let last = sites.members.len() - 1;
            ProgramError::Usage(format!(
                "there is no site {number} in {}; --site is 0 to {last}",
                self.config.display()
            ))
        })
    }
}

pub(crate) fn ask(ask: &Ask) -> Result<(), ProgramError> {
    let args = ask.args();
    let sites = Sites::read(&args.config)?;
    let path = args.client_key.clone().unwrap_or_else(|| args.config.with_file_name(CLIENT_KEY));
    let key = ClientKey::read(&path).map_err(|error| ProgramError::Usage(error.to_string()))?;
    let options = ClientOptions { patience: args.timeout, site: args.first_site(&sites)?, is_one_shot: true };
    let start = || Client::start(&sites, key.clone(), &options);
    let done = |word: &str, at: Position| (format!("{word} at {at}\n"), objects::place(at));
    let (text, json) = match ask {
        Ask::Tweet { user, text, .. } => {
            let (user, text) = (named(user)?, text.join(" "));
            let text = text.parse().map_err(|error| ProgramError::Usage(format!("{error}")))?;
            done("tweeted", start()?.tweet(user, text)?)
        }
        Ask::Block { user, other, .. } => {
            let (user, other) = (named(user)?, named(other)?);
            done("blocked", start()?.block(user, other)?)
        }
        Ask::Unblock { user, other, .. } => {
            let (user, other) = (named(user)?, named(other)?);
            done("unblocked", start()?.unblock(user, other)?)
        }
        Ask::View { user, limit, linearizable, older_than, .. } => {
            let (user, mut client) = (named(user)?, start()?);
            let page = if *linearizable {
                client.view_linearizable(user, *limit, *older_than)?
            } else {
                client.view_older(user, *limit, *older_than)?
            };
            (answers::page(&page), objects::page(&page))
        }
        Ask::Log { .. } => {
            let lines = start()?.log(Position::default())?;
            let json = lines.iter().map(objects::log_line).collect();
            (answers::log(&lines) + &answers::total(lines.len() as u64, "entry"), json)
        }
        Ask::Blocks { .. } => {
            let blocks = start()?.blocks()?;
            let text: String =
                blocks.iter().map(|block| format!("{} blocks {}\n", block.user, block.target)).collect();
            let json = blocks.iter().map(objects::block).collect();
            (text + &answers::total(blocks.len() as u64, "block"), json)
        }
        Ask::Status { counters, .. } => return status::status(&sites, key, args, *counters),
    };
    terminal::answer(&if args.json { format!("{json}\n") } else { text })
}

fn named(name: &str) -> Result<User, ProgramError> {
    name.parse().map_err(|error| ProgramError::Usage(format!("{error}")))
}
