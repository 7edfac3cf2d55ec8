//! A client of real sites: asks over UDP, waits, and tries another site when one does not answer.
//!
//! It is the session machine of the simulator ([`client`](crate::replicated::client)) with blocking calls. An operation
//! is done at most once, whatever is sent again. It is done exactly once unless the session is evicted first and no
//! site remembers how far it came.
//!
//! A client leaves its session open, and the cluster keeps it until others need the room. A program that does one thing
//! and ends sets [`ClientOptions::is_one_shot`]: then each operation closes its session.

use core::fmt;
use std::net::SocketAddr;
use std::path::Path;

use crate::ids::{ProcessId, SiteId};
use crate::replicated::client::{ClientState, Command};
use crate::replicated::sites_ron::Sites;
use crate::replicated::{Answer, Config, LogLine, Machine, Note, Position, Query, Replicated, Reply, Status};
use crate::time::Duration;
use crate::udp::{CLIENT_KEY, Caller, CallerSettings, ClientKey, Counters, HostError, KeyNumber, SiteNotice};

/// A client that was never answered takes another number after this long without a word from any site: another client
/// may have its number at that site. It has no session yet, so nothing is done twice.
const RENUMBER_AFTER: Duration = Duration::from_millis(250);

/// The most times that it does.
const RENUMBER_MAX: u64 = 3;

/// The options of a client.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// A call gives up after this long without an answer.
    pub patience: Duration,
    /// The site that is asked first; drawn at random if `None`.
    pub site: Option<SiteId>,
    /// Whether each event is the last of its session and closes it. Each then costs an opening more, and no session of
    /// another client is evicted for one that is out of use.
    pub is_one_shot: bool,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions { patience: Duration::from_secs(5), site: None, is_one_shot: false }
    }
}

/// A client with one session that does one thing at a time.
pub struct Client<M: Machine> {
    caller: Caller<Replicated<M>>,
    key: KeyNumber,
    me: ProcessId,
    addresses: Vec<SocketAddr>,
    patience: Duration,
    is_one_shot: bool,
    /// The site that is asked.
    at: SiteId,
}

/// Why a call failed.
#[derive(Debug)]
pub enum ClientError<M: Machine> {
    /// No site answered in time.
    NoAnswer {
        /// The operation, if it may have happened or may happen yet. `None` for a query, and if it is certain that
        /// nothing happened and nothing will.
        unknown: Option<Box<M::Operation>>,
        /// The sites that were asked, in order.
        tried: Vec<(SiteId, SocketAddr)>,
        /// The time that the call waited.
        waited: Duration,
        /// The last reply of a site that did not help.
        last: Option<String>,
    },
    /// Many other clients had the session evicted: whether this took effect is unknown.
    Lost(M::Operation),
    /// Many other clients had one session after the other evicted: this did not take effect, and never will.
    Undone(M::Operation),
    /// A file is wrong, or a name such as a user's.
    Invalid(String),
    /// The operating system refuses.
    Host(HostError),
}

impl<M: Machine> fmt::Display for ClientError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::NoAnswer { unknown, tried, waited, last } => {
                let tried: Vec<String> =
                    tried.iter().map(|(site, address)| format!("{site} at {address}")).collect();
                write!(f, "no answer within {waited} from {}", tried.join(", "))?;
                if let Some(last) = last {
                    write!(f, " ({last})")?;
                }
                match unknown {
                    Some(operation) => write!(f, "; outcome unknown, it may be done yet: {operation}"),
                    None => f.write_str(
                        "; are the sites running, and are sites.ron and client.key those of this cluster?",
                    ),
                }
            }
            ClientError::Lost(operation) => {
                write!(f, "outcome unknown, the session expired: {operation}")
            }
            ClientError::Undone(operation) => {
                write!(
                    f,
                    "not done, one session after the other expired: {operation}; more clients are at work than \
                     sessions_max in sites.ron, try again later"
                )
            }
            ClientError::Invalid(reason) => f.write_str(reason),
            ClientError::Host(error) => write!(f, "{error}"),
        }
    }
}

impl<M: Machine> std::error::Error for ClientError<M> {}

impl<M: Machine> From<HostError> for ClientError<M> {
    fn from(error: HostError) -> ClientError<M> {
        ClientError::Host(error)
    }
}

impl<M: Machine> Client<M> {
    /// Binds a socket. No site is asked yet.
    pub fn start(
        sites: &Sites,
        key: ClientKey,
        options: &ClientOptions,
    ) -> Result<Client<M>, ClientError<M>> {
        let number = key.number();
        let mut caller = Caller::start(settings(sites, vec![key]))?;
        let (me, at) = add(&mut caller, number, sites.members.len(), options.site)?;
        let ClientOptions { patience, is_one_shot, .. } = *options;
        Ok(Client { caller, key: number, me, addresses: sites.addresses(), patience, is_one_shot, at })
    }

    /// A client of the cluster whose files [`init`](super::init) wrote to `dir`, with the key that is there.
    ///
    /// # Errors
    /// When a file is missing or wrong, or the operating system refuses.
    pub fn open(dir: &Path, options: &ClientOptions) -> Result<Client<M>, ClientError<M>> {
        let wrong = |error: &dyn fmt::Display| ClientError::Invalid(error.to_string());
        let sites = Sites::read(&dir.join("sites.ron")).map_err(|error| wrong(&error))?;
        let key = ClientKey::read(&dir.join(CLIENT_KEY)).map_err(|error| wrong(&error))?;
        Client::start(&sites, key, options)
    }

    /// Executes an operation. Returns its permanent position in the log, and its outcome.
    ///
    /// # Errors
    /// When no answer came in time, or the session was evicted.
    pub fn execute(&mut self, operation: M::Operation) -> Result<(Position, M::Outcome), ClientError<M>> {
        let command = if self.is_one_shot { Command::DoLast(operation) } else { Command::Do(operation) };
        self.ask(command, |note| match note {
            Note::Done(at, _, Answer::Of(outcome)) => Some(Ok((*at, outcome.clone()))),
            Note::OutcomeUnknown(operation) => Some(Err(ClientError::Lost(operation.clone()))),
            Note::GaveUp(operation) => Some(Err(ClientError::Undone(operation.clone()))),
            _ => None,
        })?
    }

    /// Asks one site, which asks a quorum if [`Machine::read`] says so.
    ///
    /// # Errors
    /// When no answer came in time.
    pub fn query(&mut self, query: M::Query) -> Result<M::Reply, ClientError<M>> {
        self.ask(Command::Query(Query::Of(query)), |note| match note {
            Note::LocalReply(_, _, _, Reply::Of(reply)) | Note::QuorumReply(_, _, _, _, reply) => {
                Some(reply.clone())
            }
            _ => None,
        })
    }

    /// The log from `from` on, as far as some site knows.
    pub fn log(&mut self, from: Position) -> Result<Vec<LogLine<M>>, ClientError<M>> {
        let (mut all, mut from) = (Vec::new(), from);
        loop {
            let (lines, has_more) = self.ask(Command::Query(Query::Log { from }), |note| match note {
                Note::LocalReply(_, _, _, Reply::Log { lines, has_more }) => Some((lines.clone(), *has_more)),
                _ => None,
            })?;
            all.extend(lines);
            match all.last() {
                Some(LogLine { position, .. }) if has_more => {
                    from = Position { slot: position.slot, index: position.index + 1 };
                }
                _ => return Ok(all),
            }
        }
    }

    /// Sends a command, and waits for a note that answers it.
    fn ask<T>(
        &mut self,
        command: Command<M>,
        answer: impl Fn(&Note<M>) -> Option<T>,
    ) -> Result<T, ClientError<M>> {
        let mut tried = vec![self.at];
        let mut last = None;
        let start = self.caller.now();
        let until = start + self.patience;
        let mut renumbered = 0;
        self.caller.command(self.me, command.clone());
        loop {
            for (_, note) in self.caller.take_notes() {
                if let Some(answer) = answer(&note) {
                    return Ok(answer);
                }
                match note {
                    Note::Retries(site) => {
                        self.at = site;
                        if !tried.contains(&site) {
                            tried.push(site);
                        }
                    }
                    Note::FoundBusy(..) | Note::FoundBehind(..) => last = Some(note.to_string()),
                    _ => {}
                }
            }
            for (site, notice) in self.caller.take_notices() {
                if notice == SiteNotice::Starting {
                    last = Some(format!("{site} reads its journal: try again"));
                }
            }
            if self.caller.now() >= until {
                let me = self.caller.process(self.me).and_then(Replicated::as_client);
                let is_unknown = me.is_some_and(ClientState::may_be_done);
                let unknown = match command {
                    Command::Do(operation) | Command::DoLast(operation) if is_unknown => {
                        Some(Box::new(operation))
                    }
                    Command::Do(_) | Command::DoLast(_) | Command::Query(_) => None,
                };
                // A late answer must not answer another call: the next call has a session and query ids of its own,
                // even if it draws the same number.
                self.caller.remove(self.me);
                (self.me, self.at) = add(&mut self.caller, self.key, self.addresses.len(), Some(self.at))?;
                let address = |site: SiteId| (site, self.addresses[site.index()]);
                let tried = tried.into_iter().map(address).collect();
                return Err(ClientError::NoAnswer { unknown, tried, waited: self.patience, last });
            }
            let renumber_at = start + RENUMBER_AFTER.times(renumbered + 1);
            let may_renumber = self.caller.counters().received == 0 && renumbered < RENUMBER_MAX;
            if may_renumber && self.caller.now() >= renumber_at {
                renumbered += 1;
                self.caller.remove(self.me);
                let next = self.next();
                (self.me, self.at) = add(&mut self.caller, self.key, self.addresses.len(), Some(next))?;
                if !tried.contains(&self.at) {
                    tried.push(self.at);
                }
                self.caller.command(self.me, command.clone());
                continue;
            }
            self.caller.turn(if may_renumber { until.min(renumber_at) } else { until })?;
        }
    }

    /// The site after the one that is asked.
    fn next(&self) -> SiteId {
        let next = (self.at.index() + 1) % self.addresses.len();
        u8::try_from(next).ok().and_then(SiteId::new).expect("one of at most 9")
    }
}

/// The report of a site, as far as it answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SiteReport {
    /// The site's status; `None` if it did not answer.
    pub status: Option<Status>,
    /// Whether it answered that it reads its journal: it takes part in nothing until it has.
    pub is_starting: bool,
    /// Counts of datagrams since its start, if they were asked for and answered.
    pub counters: Option<Counters>,
}

/// The sites that [`reports`] asks, and for what.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions {
    /// The longest wait for sites that do not answer.
    pub patience: Duration,
    /// The only site that is asked; all sites if `None`.
    pub site: Option<SiteId>,
    /// Whether sites are asked for their counters too.
    pub has_counters: bool,
}

/// The status of each site; `None` for those that do not answer within `patience`.
pub fn statuses<M: Machine>(
    sites: &Sites,
    key: ClientKey,
    patience: Duration,
) -> Result<Vec<Option<Status>>, ClientError<M>> {
    let options = ReportOptions { patience, site: None, has_counters: false };
    Ok(reports(sites, key, &options)?.into_iter().map(|report| report.status).collect())
}

/// The report of each site, in their order.
pub fn reports<M: Machine>(
    sites: &Sites,
    key: ClientKey,
    options: &ReportOptions,
) -> Result<Vec<SiteReport>, ClientError<M>> {
    let ReportOptions { patience, site: only, has_counters } = *options;
    let number = key.number();
    let mut caller = Caller::<Replicated<M>>::start(settings(sites, vec![key]))?;
    let count = sites.members.len();
    let mut found = vec![SiteReport::default(); count];
    let asked_sites =
        || (0..).map_while(SiteId::new).take(count).filter(|site| only.is_none_or(|it| it == *site));
    let lacks = |report: &SiteReport| report.status.is_none() || (has_counters && report.counters.is_none());
    let start = caller.now();
    let (until, mut asked) = (start + patience, 0);
    loop {
        let mut lacking = asked_sites().filter(|site| lacks(&found[site.index()]));
        let ask_at = start + RENUMBER_AFTER.times(asked);
        // A site that reads its journal has answered; but it may have read it soon.
        let are_starting = lacking.clone().all(|site| found[site.index()].is_starting);
        if caller.now() >= until || (are_starting && asked > RENUMBER_MAX) || lacking.clone().next().is_none()
        {
            return Ok(found);
        }
        if asked <= RENUMBER_MAX && caller.now() >= ask_at {
            // With another number each time: at a silent site, the last number may be another client's.
            asked += 1;
            lacking.try_for_each(|site| {
                let (me, _) = add(&mut caller, number, count, Some(site))?;
                caller.command(me, Command::Query(Query::Status));
                if has_counters {
                    caller.ask_for_counters(me, site);
                }
                Ok::<(), ClientError<M>>(())
            })?;
            continue;
        }
        caller.turn(if asked <= RENUMBER_MAX { until.min(ask_at) } else { until })?;
        for (_, note) in caller.take_notes() {
            if let Note::LocalReply(_, _, _, Reply::Status { status }) = note {
                let report = &mut found[status.site.index()];
                (report.status, report.is_starting) = (Some(status), false);
            }
        }
        for (site, notice) in caller.take_notices() {
            let report = &mut found[site.index()];
            match notice {
                SiteNotice::Starting => report.is_starting = report.status.is_none(),
                SiteNotice::Counters(counters) => report.counters = Some(counters),
            }
        }
    }
}

/// Adds a client of this key that asks `site` first, or any site.
fn add<M: Machine>(
    caller: &mut Caller<Replicated<M>>,
    key: KeyNumber,
    count: usize,
    site: Option<SiteId>,
) -> Result<(ProcessId, SiteId), ClientError<M>> {
    // The site that a client asks first follows from its number.
    let clients = key.clients();
    let count_of_sites = u16::try_from(count).expect("at most 9");
    let drawn = random_below(u32::from(KeyNumber::CLIENTS - (count_of_sites - 1)))?;
    let first = clients.start() + u16::try_from(drawn).expect("below what one key has");
    let number = match site {
        Some(site) => {
            let site = u16::from(site.number());
            first + (site + count_of_sites - first % count_of_sites) % count_of_sites
        }
        None => first,
    };
    let me = caller.add(number)?;
    let home = (number % count_of_sites).to_le_bytes()[0];
    Ok((me, SiteId::new(home).expect("a remainder of the count of sites")))
}

/// The settings of callers of these sites with these keys.
pub fn settings(sites: &Sites, keys: Vec<ClientKey>) -> CallerSettings<Config> {
    CallerSettings {
        cluster: sites.cluster,
        configuration: sites.configuration(),
        addresses: sites.addresses(),
        datagram_max: sites.config.datagram_max,
        config: sites.config.clone(),
        keys,
    }
}

fn random_below(end: u32) -> Result<usize, HostError> {
    let drawn = getrandom::u32().map_err(std::io::Error::other);
    let drawn = drawn.map_err(|error| HostError::Io("draw a number", error))?;
    Ok(usize::try_from(drawn % end).expect("32 bits"))
}
