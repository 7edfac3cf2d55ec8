//! The timeline itself: the result of a log of events.
//!
//! It knows neither sessions nor consensus: which events take effect, and where, is decided before they are applied
//! here.
//!
//! 1. Tweets stand in log order and are never removed. Blocks hide them from a viewer, at the time of viewing.
//! 2. Equal sequences of applied events make equal timelines.
//! 3. A page never exceeds [`Page::BYTES_MAX`] and looks at no more than [`Page::LOOKED_MAX`] tweets. It has a `next`
//!    exactly when an older visible tweet exists among these, or older tweets exist beyond them.

use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::replicated::Position;
use crate::tweets::timeline::blocks::Blocks;
use crate::tweets::timeline::event::Event;
use crate::tweets::timeline::names::{Text, User};
use crate::tweets::timeline::page::{Page, Tweet, View};
use crate::wire::Wire;

/// Room for the tweets of most pages.
const ROOM: usize = 16;

/// All tweets and blocks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timeline {
    tweets: CowLog<KeptTweet>,
    blocks: Blocks,
}

/// A tweet with the number of its author, which is shorter than the name: every site keeps every tweet.
#[derive(Clone, PartialEq, Eq, Debug)]
struct KeptTweet {
    slot: u64,
    index: u32,
    author: u32,
    text: Text,
}

impl KeptTweet {
    fn position(&self) -> Position {
        Position { slot: self.slot, index: self.index.into() }
    }
}

impl Timeline {
    /// Applies the event at `position`; returns whether it changed anything.
    ///
    /// Blocking twice, unblocking a user who is not blocked, and blocking oneself change nothing.
    ///
    /// # Panics
    /// When a tweet does not come after the last one, or its index is no `u32`.
    pub fn change(&mut self, position: Position, event: &Event) -> bool {
        match event {
            Event::Tweet { user, text } => {
                let last = self.tweets.last().map(KeptTweet::position);
                assert!(last < Some(position), "a tweet at {position} is applied behind one at {last:?}");
                let index = u32::try_from(position.index).expect("a slot holds few events");
                let author = self.blocks.number(user);
                self.tweets.push(KeptTweet { slot: position.slot, index, author, text: text.clone() });
                true
            }
            Event::Block { user, target } => user != target && self.blocks.insert(user, target),
            Event::Unblock { user, target } => self.blocks.remove(user, target),
        }
    }

    /// The newest tweets before `view.older_than` that the viewer may see: at most `view.limit`, at most as many as fit
    /// a page, and only from the [`Page::LOOKED_MAX`] newest ones, hidden ones included.
    pub fn view(&self, view: &View) -> Page {
        let end = match view.older_than {
            Some(position) => self.tweets.partition_point(|tweet| tweet.position() < position),
            None => self.tweets.len(),
        };
        let start = end.saturating_sub(Page::LOOKED_MAX);
        let hidden = self.blocks.hidden_from(&view.viewer);
        let looked = (start..end).rev().filter_map(|index| self.tweets.get(index));
        let most = usize::try_from(view.limit).unwrap_or(usize::MAX).min(end - start).min(ROOM);
        let mut page = Page { tweets: Vec::with_capacity(most), next: None };
        let mut bytes = 0;
        for tweet in looked.filter(|tweet| !hidden.contains(tweet.author)) {
            let tweet = self.tweet(tweet);
            bytes += tweet.size();
            let count = page.tweets.len() + 1;
            if count as u64 > view.limit || list_bytes(count, bytes) > Page::LIST_BYTES_MAX {
                page.next = Some(tweet.position.next());
                return page;
            }
            page.tweets.push(tweet);
        }
        let beyond = start.checked_sub(1).and_then(|index| self.tweets.get(index));
        page.next = beyond.map(|tweet| tweet.position().next());
        page
    }

    fn tweet(&self, kept: &KeptTweet) -> Tweet {
        let user = self.blocks.name(kept.author).clone();
        Tweet { position: kept.position(), user, text: kept.text.clone() }
    }

    /// The blocks in ascending order of both users, after this pair if there is one.
    pub fn blocks_after(
        &self,
        pair: Option<&(User, User)>,
    ) -> impl DoubleEndedIterator<Item = (&User, &User)> + use<'_> {
        self.blocks.after(pair)
    }

    /// The blocks in ascending order of both users.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = (&User, &User)> {
        self.blocks.after(None)
    }

    /// The number of tweets and pairs that the containers were asked for, by their own count.
    pub fn looks(&self) -> u64 {
        self.tweets.looks() + self.blocks.looks()
    }

    /// Every tweet, hidden or not, oldest first.
    pub fn tweets(&self) -> impl DoubleEndedIterator<Item = Tweet> {
        self.tweets.iter().map(|kept| self.tweet(kept))
    }
}

/// Bytes of an encoded list of `count` tweets that take `tweets_bytes`.
const fn list_bytes(count: usize, tweets_bytes: usize) -> usize {
    let count_bytes = if count < 0x80 { 1 } else { 2 };
    count_bytes + tweets_bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tweets::timeline::event::SelfBlock;
    use crate::wire::WireError;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use proptest::prelude::*;

    fn user(name: &str) -> User {
        name.parse().unwrap()
    }

    fn tweet(name: &str, text: &str) -> Event {
        Event::Tweet { user: user(name), text: text.parse().unwrap() }
    }

    fn block(name: &str, target: &str) -> Event {
        Event::block(user(name), user(target)).unwrap()
    }

    fn unblock(name: &str, target: &str) -> Event {
        Event::unblock(user(name), user(target)).unwrap()
    }

    fn at(slot: u64) -> Position {
        Position { slot, index: 0 }
    }

    fn fold(events: &[Event]) -> Timeline {
        let mut timeline = Timeline::default();
        for (slot, event) in events.iter().enumerate() {
            timeline.change(at(slot as u64), event);
        }
        timeline
    }

    /// The same view, computed by replaying every event for every tweet.
    fn naive_view(events: &[Event], view: &View) -> Page {
        let blocks = |author: &User| {
            events.iter().fold(false, |is_blocked, event| match event {
                Event::Block { user, target } if user == author && *target == view.viewer => true,
                Event::Unblock { user, target } if user == author && *target == view.viewer => false,
                _ => is_blocked,
            })
        };
        let mut page = Page::default();
        let mut looked = 0;
        for (slot, event) in events.iter().enumerate().rev() {
            let Event::Tweet { user, text } = event else { continue };
            let position = at(slot as u64);
            if view.older_than.is_some_and(|older_than| position >= older_than) {
                continue;
            }
            looked += 1;
            let is_hidden = blocks(user);
            if !is_hidden && looked <= Page::LOOKED_MAX {
                page.tweets.push(Tweet { position, user: user.clone(), text: text.clone() });
            }
            let is_full = page.tweets.len() as u64 > view.limit;
            let is_large = page.to_bytes().len() > Page::LIST_BYTES_MAX + 1;
            if is_full || is_large {
                page.tweets.pop();
            }
            if is_full || is_large || looked > Page::LOOKED_MAX {
                page.next = Some(Position { slot: slot as u64, index: 1 });
                break;
            }
        }
        page
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let name = proptest::sample::select(vec!["ann", "bob", "cat"]);
        let text = prop_oneof![8 => "[a-z]{1,6}", 2 => "[a-z]{200,280}", 1 => "\u{10348}{1,200}"];
        (0..6, name.clone(), name, text).prop_map(|(kind, name, other, text)| match kind {
            0 => Event::block(user(name), user(other)).unwrap_or(tweet(name, &text)),
            1 => Event::unblock(user(name), user(other)).unwrap_or(tweet(name, &text)),
            _ => tweet(name, &text),
        })
    }

    proptest! {
        #[test]
        fn views_equal_a_naive_replay(
            events in prop_oneof![
                9 => proptest::collection::vec(any_event(), 0..60),
                1 => proptest::collection::vec(any_event(), 0..900),
            ],
            viewer in proptest::sample::select(vec!["ann", "bob", "dan"]),
            limit in 0u64..70,
            older_than in proptest::option::of(prop_oneof![0u64..70, 200u64..900]),
        ) {
            let view = View { viewer: user(viewer), limit, older_than: older_than.map(at) };
            let page = fold(&events).view(&view);
            prop_assert!(page.to_bytes().len() <= Page::BYTES_MAX);
            prop_assert_eq!(page.size(), page.to_bytes().len());
            prop_assert_eq!(Page::from_bytes(&page.to_bytes()), Ok(page.clone()));
            prop_assert_eq!(page, naive_view(&events, &view));
        }

        #[test]
        fn pages_one_behind_the_other_make_up_the_timeline(
            events in proptest::collection::vec(any_event(), 0..60),
            limit in 1u64..9,
        ) {
            let timeline = fold(&events);
            let mut view = View { viewer: user("dan"), limit, older_than: None };
            let mut seen = Vec::new();
            loop {
                let page = timeline.view(&view);
                seen.extend(page.tweets);
                view.older_than = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            seen.reverse();
            prop_assert!(seen.into_iter().eq(timeline.tweets()));
        }

        #[test]
        fn whoever_applies_the_same_events_holds_the_same(
            events in proptest::collection::vec(any_event(), 0..300),
        ) {
            let (mut timeline, mut changes) = (Timeline::default(), 0);
            for (slot, event) in events.iter().enumerate() {
                let before = timeline.clone();
                let is_changed = timeline.change(at(slot as u64), event);
                prop_assert_eq!(is_changed, timeline != before);
                changes += usize::from(is_changed);
            }
            prop_assert!(changes >= timeline.tweets().count());
            prop_assert_eq!(timeline, fold(&events));
        }
    }

    #[test]
    fn a_page_looks_at_a_bounded_part_and_says_where_to_go_on() {
        let hidden = 2 * Page::LOOKED_MAX as u64;
        let mut timeline = fold(&[tweet("cat", "old"), block("ann", "bob")]);
        for slot in 2..2 + hidden {
            timeline.change(at(slot), &tweet("ann", "hidden"));
        }
        let mut pages = Vec::new();
        let mut view = View { viewer: user("bob"), limit: 10, older_than: None };
        loop {
            let before = timeline.looks();
            let page = timeline.view(&view);
            pages.push((page.tweets.len(), page.next));
            let looks = timeline.looks() - before;
            assert!(looks < 2 * Page::LOOKED_MAX as u64 + 30, "{looks} looks");
            view.older_than = page.next;
            if page.next.is_none() {
                break;
            }
        }
        let looked = Page::LOOKED_MAX as u64;
        let next = |slot| Some(Position { slot, index: 1 });
        assert_eq!(pages, [(0, next(1 + looked)), (0, next(0)), (1, None)]);
    }

    #[test]
    fn a_list_of_blocks_begins_where_it_is_asked_to() {
        let names: Vec<String> = (0..300).map(|number| alloc::format!("user{number:03}")).collect();
        let blocks: Vec<Event> = names.iter().map(|name| block(name, "zed")).collect();
        let timeline = fold(&blocks);
        let last = (user("user297"), user("zed"));
        let before = timeline.looks();
        let rest: Vec<&User> = timeline.blocks_after(Some(&last)).map(|(user, _)| user).collect();
        assert_eq!(rest, [&user("user298"), &user("user299")]);
        assert_eq!(timeline.looks() - before, 2);
    }

    #[test]
    fn a_block_hides_past_and_future_tweets_until_it_is_lifted() {
        let check = |events: &[Event], viewer: &str, seen: &[&str]| {
            let page = fold(events).view(&View { viewer: user(viewer), limit: 10, older_than: None });
            let tweets: Vec<String> = page.tweets.iter().map(ToString::to_string).collect();
            assert_eq!((tweets, page.next), (seen.iter().map(ToString::to_string).collect(), None));
        };
        let before = [tweet("ann", "past"), block("ann", "bob"), tweet("ann", "future"), tweet("cat", "hi")];
        check(&before, "bob", &["cat: hi"]);
        check(&before, "cat", &["cat: hi", "ann: future", "ann: past"]);
        check(&before, "ann", &["cat: hi", "ann: future", "ann: past"]);
        let after = [&before[..], &[unblock("ann", "bob")]].concat();
        check(&after, "bob", &["cat: hi", "ann: future", "ann: past"]);
        check(&[tweet("bob", "x"), block("ann", "bob")], "ann", &["bob: x"]);
        check(&[block("ann", "bob"), unblock("bob", "ann"), tweet("ann", "x")], "bob", &[]);
    }

    #[test]
    fn what_changes_nothing_says_so() {
        let mut timeline = Timeline::default();
        let own = Event::Block { user: user("ann"), target: user("ann") };
        let steps = [
            (unblock("ann", "bob"), false),
            (block("ann", "bob"), true),
            (block("ann", "bob"), false),
            (own, false),
            (unblock("ann", "bob"), true),
            (tweet("ann", "x"), true),
        ];
        for (slot, (event, is_changed)) in steps.iter().enumerate() {
            assert_eq!(timeline.change(at(slot as u64), event), *is_changed, "{event}");
        }
        assert_eq!((timeline.blocks().count(), timeline.tweets().count()), (0, 1));
    }

    #[test]
    fn nobody_blocks_themselves() {
        let ann = user("ann");
        assert_eq!(Event::block(ann.clone(), ann.clone()), Err(SelfBlock(ann.clone())));
        assert_eq!(Event::unblock(ann.clone(), ann.clone()), Err(SelfBlock(ann.clone())));
        for event in [
            Event::Block { user: ann.clone(), target: ann.clone() },
            Event::Unblock { user: ann.clone(), target: ann },
        ] {
            assert_eq!(Event::from_bytes(&event.to_bytes()), Err(WireError::Invalid("block of oneself")));
        }
        for event in [tweet("ann", "x"), block("ann", "bob"), unblock("ann", "bob")] {
            assert_eq!(Event::from_bytes(&event.to_bytes()), Ok(event));
        }
    }
}
