//! A client of the real tweet service: [`real::Client`] with methods for the timeline.
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

/// A client with one session, which does one thing at a time.
pub type Client = real::Client<Timeline>;
/// Why a call failed.
pub type ClientError = real::ClientError<Timeline>;

impl Client {
    /// Tweets, and returns the tweet's position once it is in the log for ever.
    pub fn tweet(&mut self, user: User, text: Text) -> Result<Position, ClientError> {
        self.event(Event::Tweet { user, text })
    }

    /// Hides `user`'s tweets, past and future, from `target`.
    pub fn block(&mut self, user: User, target: User) -> Result<Position, ClientError> {
        self.event(Event::block(user, target).map_err(|error| ClientError::Invalid(error.to_string()))?)
    }

    /// Shows `user`'s tweets to `target` again.
    pub fn unblock(&mut self, user: User, target: User) -> Result<Position, ClientError> {
        self.event(Event::unblock(user, target).map_err(|error| ClientError::Invalid(error.to_string()))?)
    }

    /// Appends an event to the log, and returns its position.
    pub fn event(&mut self, event: Event) -> Result<Position, ClientError> {
        self.execute(Operation::Event { event }).map(|(at, _)| at)
    }

    /// The newest tweets that `viewer` may see, newest first, at most `limit`. One site answers from the log that it
    /// has applied, which holds at least what this client has seen and done.
    pub fn view(&mut self, viewer: User, limit: u64) -> Result<Page, ClientError> {
        self.view_older(viewer, limit, None)
    }

    /// Like [`Client::view`], for tweets before `older_than`: `next` of an earlier page. Asks for page after page until
    /// there are `limit` tweets, or no older ones.
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

    /// A linearizable view: it includes every event that any client saw, or that was acknowledged, before. The page
    /// fits one datagram and comes from one read, which looks at a bounded number of tweets. If most of those are
    /// hidden, the page holds few or none, and `next` says where to go on, with this or [`Client::view_older`]; each is
    /// a read of its own.
    pub fn view_linearizable(
        &mut self,
        viewer: User,
        limit: u64,
        older_than: Option<Position>,
    ) -> Result<Page, ClientError> {
        let view = View { viewer, limit, older_than };
        self.page(TimelineQuery::QuorumView { view })
    }

    /// All blocks that some site knows.
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

/// The error for a reply that does not fit the query, which no site of this code sends.
fn mistaken() -> ClientError {
    ClientError::Invalid("a site answered another question than was asked".to_owned())
}

/// The status of each site; `None` for a site that does not answer within `patience`.
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

/// The report of each site, in the order of the sites.
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
