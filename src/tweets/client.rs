//! What a client of the real service does: [`real::Client`], in the timeline's words.
//!
//! ```no_run
//! use aviary::tweets::client::{Client, ClientOptions};
//! use aviary::replicated::sites_ron::Sites;
//! use aviary::udp::ClientKey;
//! use std::path::Path;
//!
//! let sites = Sites::read(Path::new("sites.ron"))?;
//! let key = ClientKey::read(Path::new("client.key"))?;
//! let mut client = Client::start(&sites, key, &ClientOptions::default())?;
//! let at = client.tweet("ann".parse()?, "hello".parse()?)?;
//! println!("it stands at {at} of the log");
//! for tweet in client.view("bob".parse()?, 20)?.tweets {
//!     println!("{tweet}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::replicated::real;
use crate::replicated::sites_ron::Sites;
use crate::time::Duration;
use crate::tweets::site::{Block, Operation, Status};
use crate::tweets::timeline::{
    Event, Page, Position, Text, Timeline, TimelineQuery, TimelineReply, User, View,
};
use crate::udp::ClientKey;

pub use crate::replicated::real::client::settings;
pub use crate::replicated::real::{ClientOptions, ReportOptions, SiteReport};

/// A client with one session, that does one thing at a time.
pub type Client = real::Client<Timeline>;
/// Why a call did not come to its end.
pub type ClientError = real::ClientError<Timeline>;

impl Client {
    /// Tweets, and returns where that stands in the log once it is there for ever.
    pub fn tweet(&mut self, user: User, text: Text) -> Result<Position, ClientError> {
        self.event(Event::Tweet { user, text })
    }

    /// Hides `user`'s tweets, past and future, from `whom`.
    pub fn block(&mut self, user: User, whom: User) -> Result<Position, ClientError> {
        self.event(Event::block(user, whom).map_err(|error| ClientError::Invalid(error.to_string()))?)
    }

    /// Shows them again.
    pub fn unblock(&mut self, user: User, whom: User) -> Result<Position, ClientError> {
        self.event(Event::unblock(user, whom).map_err(|error| ClientError::Invalid(error.to_string()))?)
    }

    /// Does something that stands in the log.
    pub fn event(&mut self, event: Event) -> Result<Position, ClientError> {
        self.execute(Operation::Event { event }).map(|(at, _)| at)
    }

    /// What `viewer` may see, newest first, at most `limit`, as far as some site knows; that site knows at least what
    /// this client has seen and done.
    pub fn view(&mut self, viewer: User, limit: u64) -> Result<Page, ClientError> {
        self.view_older(viewer, limit, None)
    }

    /// The same, of what stands in the log before `older_than`: `next` of an earlier page. Asks for page after page
    /// until there are `limit` tweets, or no older ones.
    pub fn view_older(
        &mut self,
        viewer: User,
        limit: u64,
        older_than: Option<Position>,
    ) -> Result<Page, ClientError> {
        let mut all = Page { tweets: Vec::new(), next: older_than };
        loop {
            let limit = limit - all.tweets.len() as u64;
            let view = View { viewer: viewer.clone(), limit, older_than: all.next };
            let page = self.page(TimelineQuery::View { view })?;
            let is_done = page.next.is_none() || page.tweets.len() as u64 >= limit;
            all.tweets.extend(page.tweets);
            all.next = page.next;
            if is_done {
                return Ok(all);
            }
        }
    }

    /// A view that no event acknowledged before can be missing from, whoever was told; at most one datagram of it, and
    /// one reading: the tweets that a site looked at for it. Where most of those are hidden it holds few or none and
    /// names where to go on, with this or with [`Client::view_older`]; what comes then is a reading of its own.
    pub fn view_linearizable(
        &mut self,
        viewer: User,
        limit: u64,
        older_than: Option<Position>,
    ) -> Result<Page, ClientError> {
        let view = View { viewer, limit, older_than };
        self.page(TimelineQuery::Fresh { view })
    }

    /// Who blocks whom, as far as some site knows.
    pub fn blocks(&mut self) -> Result<Vec<Block>, ClientError> {
        let mut all: Vec<Block> = Vec::new();
        loop {
            let after = all.last().cloned();
            let TimelineReply::Blocks { blocks, has_more } = self.query(TimelineQuery::Blocks { after })?
            else {
                return Err(mistaken());
            };
            let is_done = !has_more || blocks.is_empty();
            all.extend(blocks);
            if is_done {
                return Ok(all);
            }
        }
    }

    fn page(&mut self, query: TimelineQuery) -> Result<Page, ClientError> {
        match self.query(query)? {
            TimelineReply::View { page } => Ok(page),
            TimelineReply::Blocks { .. } => Err(mistaken()),
        }
    }
}

/// A site answers what was asked, or it is no site of this code.
fn mistaken() -> ClientError {
    ClientError::Invalid("a site answered another question than was asked".to_owned())
}

/// How each site is; none of those that do not answer within `patience`.
///
/// # Errors
/// When the operating system refuses.
pub fn statuses(
    sites: &Sites,
    key: ClientKey,
    patience: Duration,
) -> Result<Vec<Option<Status>>, ClientError> {
    real::statuses::<Timeline>(sites, key, patience)
}

/// What each site says of itself, in their order.
///
/// # Errors
/// When the operating system refuses.
pub fn reports(
    sites: &Sites,
    key: ClientKey,
    options: &ReportOptions,
) -> Result<Vec<SiteReport>, ClientError> {
    real::reports::<Timeline>(sites, key, options)
}
