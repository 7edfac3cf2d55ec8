//! `site tweet`, `view`, `block`, `unblock`, `log`, `blocks` and `status`: one thing asked of a cluster from outside.

use std::path::PathBuf;

use aviary::ids::SiteId;
use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::timeline::{Position, User};
use aviary::udp::{CLIENT_KEY, ClientKey};

use crate::error::ProgramError;
use crate::{answers, objects, status, terminal};

/// Of whom something is asked, and how it is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Whom {
    /// The cluster's sites.ron.
    #[arg(long)]
    config: PathBuf,
    /// The file with a client key [default: client.key beside the config].
    #[arg(long)]
    client_key: Option<PathBuf>,
    /// The site to ask first [default: any]; another is tried when it does not answer. The only one to ask, for `status`.
    #[arg(long)]
    site: Option<u8>,
    /// How long to wait for an answer: a number and ms, s, min or h.
    #[arg(long, default_value = "5s")]
    pub(crate) timeout: Duration,
    /// Prints one line of JSON instead of text, also of an error.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is asked.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Ask {
    /// Tweets, and prints where that stands in the log once it is there for ever.
    Tweet {
        #[command(flatten)]
        whom: Whom,
        /// Who says it.
        user: String,
        /// What is said: 1 to 280 characters.
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Prints what USER may see, newest first.
    View {
        #[command(flatten)]
        whom: Whom,
        /// Who looks.
        user: String,
        /// At most so many tweets.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
        /// Nothing that was acknowledged before may be missing, whoever was told; one page at most.
        #[arg(long)]
        linearizable: bool,
        /// Only what stands in the log before this position, as a page that was not the last one names it.
        #[arg(long, value_name = "SLOT.INDEX")]
        older_than: Option<Position>,
    },
    /// Hides USER's tweets, past and future, from WHOM.
    Block {
        #[command(flatten)]
        whom: Whom,
        /// Who blocks.
        user: String,
        /// Who is blocked.
        #[arg(value_name = "WHOM")]
        other: String,
    },
    /// Shows them again.
    Unblock {
        #[command(flatten)]
        whom: Whom,
        /// Who blocks.
        user: String,
        /// Who is blocked.
        #[arg(value_name = "WHOM")]
        other: String,
    },
    /// Prints everything that was agreed on, as far as the asked site knows.
    Log {
        #[command(flatten)]
        whom: Whom,
    },
    /// Prints who blocks whom, as far as the asked site knows.
    Blocks {
        #[command(flatten)]
        whom: Whom,
    },
    /// Prints how each site is; those that do not answer in time are said to be silent. Ends with 3 if no more than half of
    /// them answered, or if the one named with --site did not.
    Status {
        #[command(flatten)]
        whom: Whom,
        /// Also prints what became of datagrams at each site since its start.
        #[arg(long)]
        counters: bool,
    },
}

impl Ask {
    fn whom(&self) -> &Whom {
        match self {
            Ask::Tweet { whom, .. }
            | Ask::View { whom, .. }
            | Ask::Block { whom, .. }
            | Ask::Unblock { whom, .. }
            | Ask::Log { whom }
            | Ask::Blocks { whom }
            | Ask::Status { whom, .. } => whom,
        }
    }
}

impl Whom {
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
    let whom = ask.whom();
    let sites = Sites::read(&whom.config)?;
    let path = whom.client_key.clone().unwrap_or_else(|| whom.config.with_file_name(CLIENT_KEY));
    let key = ClientKey::read(&path).map_err(|error| ProgramError::Usage(error.to_string()))?;
    let options = ClientOptions { patience: whom.timeout, site: whom.first_site(&sites)?, is_one_shot: true };
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
                blocks.iter().map(|block| format!("{} blocks {}\n", block.user, block.whom)).collect();
            let json = blocks.iter().map(objects::block).collect();
            (text + &answers::total(blocks.len() as u64, "block"), json)
        }
        Ask::Status { counters, .. } => return status::status(&sites, key, whom, *counters),
    };
    terminal::answer(&if whom.json { format!("{json}\n") } else { text })
}

fn named(name: &str) -> Result<User, ProgramError> {
    name.parse().map_err(|error| ProgramError::Usage(format!("{error}")))
}
