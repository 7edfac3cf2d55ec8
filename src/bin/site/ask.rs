//! `site tweet`, `view`, `block`, `unblock`, `log`, `blocks` and `status`: one thing asked of a cluster from outside.

use std::path::{Path, PathBuf};

use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{self, Client, ClientError, ClientOptions};
use aviary::tweets::site::Status;
use aviary::tweets::timeline::{Page, Position, User};
use aviary::udp::{CLIENT_KEY, ClientKey};
use serde_json::{Value, json};

use crate::{ProgramError, answers, terminal};

/// Of whom something is asked, and how it is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Whom {
    /// The cluster's sites.ron.
    #[arg(long)]
    config: PathBuf,
    /// The file with a client key [default: client.key beside the config].
    #[arg(long)]
    client_key: Option<PathBuf>,
    /// The site to ask first [default: any]; another is tried when it does not answer.
    #[arg(long)]
    site: Option<u8>,
    /// How long to wait for an answer: a number and ms, s or min.
    #[arg(long, default_value = "5s")]
    timeout: Duration,
    /// Prints one line of JSON instead of text.
    #[arg(long)]
    json: bool,
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
    /// Prints how each site is; those that do not answer in time are said to be silent.
    Status {
        #[command(flatten)]
        whom: Whom,
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
            | Ask::Status { whom } => whom,
        }
    }
}

pub(crate) fn ask(ask: &Ask) -> Result<(), ProgramError> {
    let whom = ask.whom();
    let sites = Sites::read(&whom.config).map_err(|error| ProgramError::Usage(error.to_string()))?;
    let path = whom.client_key.clone().unwrap_or_else(|| whom.config.with_file_name(CLIENT_KEY));
    let key = read_key(&path)?;
    let (text, json) = match ask {
        Ask::Status { .. } => statuses(&sites, key, whom)?,
        _ => one(ask, &sites, key, whom)?,
    };
    let shown = if whom.json { format!("{json}\n") } else { text };
    terminal::answer(&shown)
}

fn read_key(path: &Path) -> Result<ClientKey, ProgramError> {
    ClientKey::read(path).map_err(|error| ProgramError::Usage(error.to_string()))
}

fn one(ask: &Ask, sites: &Sites, key: ClientKey, whom: &Whom) -> Result<(String, Value), ProgramError> {
    let site = match whom.site {
        None => None,
        Some(number) => Some(sites.site(number).ok_or_else(|| {
            let last = sites.members.len() - 1;
            ProgramError::Usage(format!(
                "there is no site {number} in {}; --site is 0 to {last}",
                whom.config.display()
            ))
        })?),
    };
    let options = ClientOptions { patience: whom.timeout, site, is_one_shot: true };
    let start = || Client::start(sites, key, &options).map_err(failed);
    let done = |word: &str, at: Position| (format!("{word} at {at}\n"), json!({ "at": at.to_string() }));
    Ok(match ask {
        Ask::Tweet { user, text, .. } => {
            let (user, text) = (named(user)?, text.join(" "));
            let text = text.parse().map_err(|error| ProgramError::Usage(format!("{error}")))?;
            done("tweeted", start()?.tweet(user, text).map_err(failed)?)
        }
        Ask::Block { user, other, .. } => {
            let (user, other) = (named(user)?, named(other)?);
            done("blocked", start()?.block(user, other).map_err(failed)?)
        }
        Ask::Unblock { user, other, .. } => {
            let (user, other) = (named(user)?, named(other)?);
            done("unblocked", start()?.unblock(user, other).map_err(failed)?)
        }
        Ask::View { user, limit, linearizable, older_than, .. } => {
            let (user, mut client) = (named(user)?, start()?);
            let page = if *linearizable {
                client.view_linearizable(user, *limit, *older_than)
            } else {
                client.view_older(user, *limit, *older_than)
            };
            view(&page.map_err(failed)?)
        }
        Ask::Log { .. } => {
            let lines = start()?.log(Position::default()).map_err(failed)?;
            let line = |line: &aviary::tweets::site::LogLine| json!({ "at": line.position.to_string(), "request": line.request.to_string() });
            let json = lines.iter().map(line).collect();
            (answers::log(&lines) + &answers::total(lines.len() as u64, "entry"), json)
        }
        Ask::Blocks { .. } => {
            let blocks = start()?.blocks().map_err(failed)?;
            let text: String =
                blocks.iter().map(|block| format!("{} blocks {}\n", block.user, block.whom)).collect();
            let pair = |block: &aviary::tweets::site::Block| json!({ "user": block.user.to_string(), "whom": block.whom.to_string() });
            (text + &answers::total(blocks.len() as u64, "block"), blocks.iter().map(pair).collect())
        }
        Ask::Status { .. } => unreachable!("every site is asked for that"),
    })
}

fn named(name: &str) -> Result<User, ProgramError> {
    name.parse().map_err(|error| ProgramError::Usage(format!("{error}")))
}

fn view(page: &Page) -> (String, Value) {
    let tweet = |tweet: &aviary::tweets::timeline::Tweet| {
        json!({
            "at": tweet.position.to_string(),
            "user": tweet.user.to_string(),
            "text": tweet.text.to_string(),
        })
    };
    let tweets: Vec<Value> = page.tweets.iter().map(tweet).collect();
    let next = page.next.map(|next| next.to_string());
    (answers::page(page), json!({ "tweets": tweets, "has_more": page.has_more(), "next": next }))
}

fn statuses(sites: &Sites, key: ClientKey, whom: &Whom) -> Result<(String, Value), ProgramError> {
    let mut found = client::statuses(sites, key, whom.timeout).map_err(failed)?;
    let mut numbered: Vec<(usize, Option<Status>)> = found.drain(..).enumerate().collect();
    if let Some(only) = whom.site {
        numbered.retain(|(site, _)| *site == usize::from(only));
    }
    if numbered.iter().all(|(_, status)| status.is_none()) {
        let tried = numbered.iter().map(|(site, _)| format!("S{site} at {}", sites.members[*site].address));
        let tried = tried.collect::<Vec<_>>().join(", ");
        return Err(ProgramError::NoAnswer(format!(
            "no answer within {} from {tried}; are the sites running, and are sites.ron and client.key those of \
             this cluster?",
            whom.timeout
        )));
    }
    let mut text = String::new();
    let mut list = Vec::new();
    for (site, status) in numbered {
        let member = &sites.members[site];
        let (address, region) = (member.address.to_string(), member.region.as_str());
        match status {
            None => {
                text += &format!("status: S{site} silent\n");
                list.push(json!({ "site": site, "address": address, "region": region, "is_silent": true }));
            }
            Some(status) => {
                text += &answers::status_line(&status);
                let phase = answers::phase(status.phase);
                list.push(json!({
                    "site": site, "address": address, "region": region, "is_silent": false, "phase": phase,
                    "ballot": status.ballot.to_string(), "leader": status.leader.map(|leader| leader.number()),
                    "chosen": status.chosen.0, "applied": status.applied.0, "queue": status.queue,
                    "digest": status.digest.to_string(),
                }));
            }
        }
    }
    Ok((text, Value::from(list)))
}

fn failed(error: ClientError) -> ProgramError {
    match error {
        ClientError::NoAnswer { .. } | ClientError::Lost(_) | ClientError::Undone(_) => {
            ProgramError::NoAnswer(error.to_string())
        }
        ClientError::Invalid(message) => ProgramError::Usage(message),
        ClientError::Host(error) => ProgramError::Run(error.to_string()),
    }
}
