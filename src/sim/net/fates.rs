//! The fate of a datagram where no rule applies: a pure function of the datagram.
//!
//! Each copy's fate is drawn from a key and the link, kind, subject, time of sending, and ordinal among identical
//! datagrams at that moment. It is drawn before any rule is matched. So adding or removing a datagram, fault or
//! command does not change the fate of any other datagram.

use crate::ids::ProcessId;
use crate::mix::{self, Seed};
use crate::process::Subject;
use crate::sim::net::latency::{latency, uniform};
use crate::sim::net::ordinals::Ordinals;
use crate::sim::net::settings::{Chance, NetworkSettings};
use crate::time::{Duration, Instant};

/// The ChaCha8 stream of the key of all fates.
const STREAM: u64 = 1;

/// One word for each concern, so that a chance that is 0 in only one of two runs changes no other draw.
#[derive(Clone, Copy)]
enum FateWord {
    Delay,
    Loss,
    Duplication,
    SecondDelay,
    Reordering,
    HeldBack,
    Burst,
    LossInBurst,
    Corruption,
    FlippedBits,
    Truncation,
    CutShort,
    LateCopy,
    Again,
    Misdelivery,
    WrongSite,
}

/// The constants of the third fold of each concern's draw: the first words of the fractional parts of the square
/// roots of the first primes (they begin with those of SHA-512), as numbers that nobody chose.
const CONCERNS: [[u64; 2]; 16] = [
    [0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b],
    [0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1],
    [0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f],
    [0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179],
    [0xcbbb_9d5d_c105_9ed8, 0x629a_292a_367c_d507],
    [0x9159_015a_3070_dd17, 0x152f_ecd8_f70e_5939],
    [0x6733_2667_ffc0_0b31, 0x8eb4_4a87_6858_1511],
    [0xdb0c_2e0d_64f9_8fa7, 0x47b5_481d_befa_4fa4],
    [0xae5f_9156_e7b6_d99b, 0xcf6c_85d3_9d1a_1e15],
    [0x2f73_477d_6a45_63ca, 0x6d18_26ca_fd82_e1ed],
    [0x8b43_d457_0a51_b936, 0xe360_b596_dc38_0c3f],
    [0x1c45_6002_ce13_e9f8, 0x6f19_6331_43a0_af0e],
    [0xd94e_beb1_ab31_3933, 0x0cc4_a611_94f8_1760],
    [0x261d_c1f2_b8a9_98c8, 0x5815_a7be_0543_c11c],
    [0x70b7_ed67_fc9b_5c42, 0xa151_3c69_681a_d6d4],
    [0x44f9_3635_80e8_3d02, 0x720d_cdfd_9dba_5b44],
];

/// The fate of one datagram on its way to one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fate {
    pub(crate) is_lost: bool,
    /// The time that it is under way.
    pub(crate) delay: Duration,
    /// The time that a second copy is under way, if there is one.
    pub(crate) second: Option<Duration>,
    pub(crate) is_held_back: bool,
    /// The part of `delay` by which it is held back.
    pub(crate) held: Duration,
    /// The word that further draws about this datagram are made from.
    pub(crate) own: u64,
}

impl Fate {
    /// What chance does to the copy whose draws are made from `own`.
    pub(crate) fn of(network: &NetworkSettings, own: u64, ends: (ProcessId, ProcessId)) -> Fate {
        let happens = |chance, concern| happens(chance, own, concern);
        let is_held_back = happens(network.reordering, FateWord::Reordering);
        let held = if is_held_back {
            let most = network.reordering_by.as_micros().saturating_add(1);
            Duration::from_micros(mix::below(drawn(own, FateWord::HeldBack), most))
        } else {
            Duration::ZERO
        };
        let latency = |concern| latency(network, ends, drawn(own, concern));
        Fate {
            is_lost: happens(network.loss, FateWord::Loss),
            delay: latency(FateWord::Delay) + held,
            second: happens(network.duplication, FateWord::Duplication)
                .then(|| latency(FateWord::SecondDelay)),
            is_held_back,
            held,
            own,
        }
    }

    /// The delay of the copy whose draws are made from `own`, if chance does nothing else to it: the short way to
    /// [`Fate::of`].
    #[inline(always)]
    pub(crate) fn plain(
        network: &NetworkSettings,
        own: u64,
        ends: (ProcessId, ProcessId),
    ) -> Option<Duration> {
        let happens = |chance, concern| happens(chance, own, concern);
        let is_plain = !happens(network.loss, FateWord::Loss)
            && !happens(network.duplication, FateWord::Duplication)
            && !happens(network.reordering, FateWord::Reordering);
        is_plain.then(|| latency(network, ends, drawn(own, FateWord::Delay)))
    }
}

/// The faults of a rough network for one copy, on top of its fate. Each `u64` is a uniform word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct LinkFaults {
    pub(crate) is_in_burst: bool,
    /// Decides which bits are flipped.
    pub(crate) flips: Option<u64>,
    /// Decides where it is cut short.
    pub(crate) cut: Option<u64>,
    /// How much later it arrives again.
    pub(crate) again: Option<Duration>,
    /// Decides where it goes instead.
    pub(crate) stray: Option<u64>,
}

/// The word that decides which bits of a datagram are flipped.
pub(crate) fn flips(own: u64) -> u64 {
    drawn(own, FateWord::FlippedBits)
}

/// The word that decides where a datagram is cut short.
pub(crate) fn cut(own: u64) -> u64 {
    drawn(own, FateWord::CutShort)
}

#[inline]
fn drawn(own: u64, concern: FateWord) -> u64 {
    mix::stir(own, CONCERNS[concern as usize])
}

#[inline]
fn happens(chance: Chance, own: u64, concern: FateWord) -> bool {
    chance.numerator > 0
        && mix::below(drawn(own, concern), chance.denominator.into()) < chance.numerator.into()
}

/// The hash by which kinds of messages are compared.
#[inline]
pub(crate) fn hash_of_kind(kind: &str) -> u64 {
    mix::absorb(0, kind.as_bytes())
}

/// A kind, a noun, and their hashes: that of the kind alone, and that of both.
type Hashed = (&'static str, &'static str, [u64; 2]);

/// Kinds and nouns of messages that were sent lately, so that few are hashed again. Each has its place by where its kind is
/// in memory, which decides only whether it is found.
#[derive(Clone, Debug)]
pub(crate) struct KnownWords([Hashed; 16]);

impl Default for KnownWords {
    fn default() -> KnownWords {
        KnownWords([("", "", KnownWords::hash("", "")); 16])
    }
}

impl KnownWords {
    /// The identity of a datagram, as one word: kind and subject of its first message, or 0 without messages. The first
    /// word is the hash of that kind alone.
    #[inline]
    pub(crate) fn identity(&mut self, labels: &[(&'static str, Subject)]) -> (u64, u64) {
        let Some((kind, subject)) = labels.first() else { return (0, 0) };
        let known = &mut self.0[(kind.as_ptr().addr() >> 2) % 16];
        if !core::ptr::eq(known.0, *kind) || !core::ptr::eq(known.1, subject.noun) {
            *known = (kind, subject.noun, KnownWords::hash(kind, subject.noun));
        }
        let [kind, both] = known.2;
        (kind, mix::stir(both, [subject.number, 0]))
    }

    fn hash(kind: &str, noun: &str) -> [u64; 2] {
        let kind = hash_of_kind(kind);
        [kind, mix::absorb(kind, noun.as_bytes())]
    }
}

/// Where the draws for all copies of one datagram begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginning {
    state: u64,
    /// The sender's part of each link.
    from: u64,
}

/// Draws fates.
#[derive(Clone, Debug)]
pub(crate) struct Fates {
    key: u64,
    /// The factor for times; odd.
    spread: u64,
    now: Instant,
    ordinals: Ordinals,
}

impl Fates {
    pub(crate) fn new(seed: Seed) -> Fates {
        let key = seed.key(STREAM);
        Fates { key, spread: mix::mix(key, [0]) | 1, now: Instant::ZERO, ordinals: Ordinals::new() }
    }

    /// Draws everything from here on from another key, made of the present one and `salt`.
    pub(crate) fn rekey(&mut self, salt: u64) {
        self.key = mix::mix(self.key, [salt]);
        self.spread = mix::mix(self.key, [0]) | 1;
    }

    /// Where the draws for all copies of a datagram of this [`identity`] begin that is sent `now`.
    #[inline]
    pub(crate) fn begin(&mut self, now: Instant, identity: u64, from: ProcessId) -> Beginning {
        if self.now != now {
            self.ordinals.forget();
            self.now = now;
        }
        let state = self.key ^ now.as_micros().wrapping_mul(self.spread) ^ identity;
        Beginning { state, from: u64::from(from.number()) << 32 }
    }

    /// The word that everything is drawn from that happens to one copy of a datagram.
    #[inline(always)]
    pub(crate) fn own(&mut self, beginning: Beginning, to: ProcessId) -> u64 {
        let on_link = mix::stir(beginning.state, [0, beginning.from | u64::from(to.number())]);
        mix::stir(on_link, [self.ordinals.next(on_link), self.key])
    }

    /// The fate of a datagram of this [`identity`] from `from` to `to`, sent `now`.
    pub(crate) fn draw(
        &mut self,
        network: &NetworkSettings,
        now: Instant,
        identity: u64,
        ends: (ProcessId, ProcessId),
    ) -> Fate {
        let beginning = self.begin(now, identity, ends.0);
        Fate::of(network, self.own(beginning, ends.1), ends)
    }

    /// The faults of a rough network for the datagram whose fate has this `own` word.
    #[inline]
    pub(crate) fn link_faults(
        &self,
        network: &NetworkSettings,
        now: Instant,
        own: u64,
        ends: (ProcessId, ProcessId),
    ) -> LinkFaults {
        let happens = |chance, concern| happens(chance, own, concern);
        let is_again = happens(network.late_copies.chance, FateWord::LateCopy);
        let after = network.late_copies.after;
        LinkFaults {
            is_in_burst: self.is_burst(network, now, ends)
                && happens(network.bursts.loss, FateWord::LossInBurst),
            flips: happens(network.corruption, FateWord::Corruption).then(|| flips(own)),
            cut: happens(network.truncation, FateWord::Truncation).then(|| cut(own)),
            again: is_again.then(|| uniform(after, after + after, drawn(own, FateWord::Again))),
            stray: happens(network.misdelivery, FateWord::Misdelivery)
                .then(|| drawn(own, FateWord::WrongSite)),
        }
    }

    /// Whether a rough network does nothing to this datagram.
    #[inline(never)]
    pub(crate) fn are_gentle(
        &self,
        network: &NetworkSettings,
        now: Instant,
        own: u64,
        ends: (ProcessId, ProcessId),
    ) -> bool {
        self.link_faults(network, now, own, ends) == LinkFaults::default()
    }

    /// Whether this moment lies in a burst of this link: a function of the key, the link and the window.
    fn is_burst(&self, network: &NetworkSettings, now: Instant, (from, to): (ProcessId, ProcessId)) -> bool {
        if network.bursts.chance.numerator == 0 {
            return false;
        }
        // A terminal's datagrams share the links of its site.
        let program = |process| match process {
            ProcessId::Terminal(site) => ProcessId::Site(site).number(),
            ProcessId::Site(_) | ProcessId::Client(_) => process.number(),
        };
        let link = u64::from(program(from)) << 32 | u64::from(program(to));
        let on_link = mix::stir(self.key, [link, self.spread]);
        let length = network.bursts.length.as_micros();
        let window = now.as_micros().saturating_add(mix::below(on_link, length)) / length;
        happens(network.bursts.chance, mix::stir(on_link, [window, self.key]), FateWord::Burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::net::settings::LinkLatency;

    #[test]
    fn what_is_known_of_words_is_what_would_be_hashed() {
        // Kinds that begin at one place in memory, and more of them than are known at once.
        let text = "AcceptedAcceptedAcceptedAcceptedAccepted";
        let kinds: Vec<&'static str> =
            (0..text.len()).flat_map(|start| (start..text.len()).map(move |end| &text[start..end])).collect();
        let mut words = KnownWords::default();
        for (number, kind) in (0..).zip(kinds.iter().chain(&kinds)) {
            let subject = Subject { noun: if number % 2 == 0 { "slot" } else { "round" }, number };
            let [hash, both] = KnownWords::hash(kind, subject.noun);
            let identity = words.identity(&[(kind, subject)]);
            assert_eq!(identity, (hash, mix::stir(both, [number, 0])), "{kind} {subject:?}");
        }
        assert_eq!(words.identity(&[]), (0, 0));
    }

    /// As `mixed_words_are_uniform`: the mean is 255 and the 1-in-10,000 bound about 346.
    #[test]
    fn delays_of_neighbouring_moments_slots_and_links_are_uniform_and_unrelated() {
        let latency = LinkLatency::Uniform(Duration::ZERO, Duration::from_micros(255));
        let half = Chance { numerator: 1, denominator: 2 };
        let network = NetworkSettings { loss: half, ..NetworkSettings::calm(latency) };
        let check = |what: &str, ways: &dyn Fn(u64) -> (u64, Subject, ProcessId)| {
            let (mut fates, mut words) = (Fates::new(Seed(3)), KnownWords::default());
            let (mut counts, mut pairs, mut lost_by_delay) = ([0u64; 256], [0u64; 256], [0u64; 256]);
            let mut last = 0;
            for n in 0..65_536 {
                let (at, subject, to) = ways(n);
                let ends = (ProcessId::site(0), to);
                let (_, identity) = words.identity(&[("Accept", subject)]);
                let fate = fates.draw(&network, Instant::from_micros(at), identity, ends);
                let delay = usize::try_from(fate.delay.as_micros()).unwrap();
                counts[delay] += 1;
                lost_by_delay[delay] += u64::from(fate.is_lost);
                pairs[(delay % 16) * 16 + last % 16] += 1;
                last = delay;
            }
            // Half of them are lost. Twice that number has the same mean as all of them, and twice the spread.
            let twice = lost_by_delay.map(|lost| lost * 2);
            let lost = lost_by_delay.iter().sum::<u64>();
            for (of, counts) in [("delays", counts), ("pairs", pairs), ("losses", twice)] {
                let chi: u64 = counts.iter().map(|&count| (count.abs_diff(256)).pow(2)).sum::<u64>() / 256;
                let bounds = if of == "losses" { 300..692 } else { 150..346 };
                assert!(bounds.contains(&chi), "chi-squared {chi} of {of} by {what}");
            }
            assert!((32_256..33_280).contains(&lost), "{lost} of 65536 lost by {what}");
        };
        let to = ProcessId::site(1);
        check("moment", &|n| (n, Subject::slot(1), to));
        check("slot", &|n| (5, Subject::slot(n), to));
        check("ordinal", &|_| (5, Subject::slot(1), to));
        check("link", &|n| {
            (n / 50_000, Subject::NONE, ProcessId::Client(u16::try_from(n % 50_000).unwrap()))
        });
    }

    #[test]
    fn bursts_last_a_window_and_come_to_each_link_in_its_own_time() {
        let mut network = NetworkSettings::calm(LinkLatency::Constant(Duration::ZERO));
        let length = Duration::from_millis(10);
        let chance = Chance { numerator: 1, denominator: 4 };
        network.bursts = crate::sim::net::settings::Bursts { chance, length, loss: chance };
        let fates = Fates::new(Seed(3));
        let (mut bursts, mut edges, mut together) = (0, 0, 0);
        let (one, other) =
            ((ProcessId::site(0), ProcessId::site(1)), (ProcessId::site(1), ProcessId::site(0)));
        for milli in 0..100_000u64 {
            let is = |milli, ends| fates.is_burst(&network, Instant::from_micros(milli * 1_000), ends);
            bursts += u32::from(is(milli, one));
            together += u32::from(is(milli, one) && is(milli, other));
            edges += u32::from(is(milli, one) != is(milli + 1, one));
        }
        assert!((24_000..26_000).contains(&bursts), "{bursts} of 100000 ms in bursts");
        assert!((5_250..7_250).contains(&together), "{together} of 100000 ms in bursts both ways");
        // There are 10,000 windows. A burst begins at 3 of 16 borders, and ends at 3 of 16.
        assert!((3_500..4_000).contains(&edges), "{edges} begin or end");
    }

    #[test]
    fn one_mishap_moves_no_other() {
        let always = Chance { numerator: 1, denominator: 2 };
        let mut all = NetworkSettings::calm(LinkLatency::Constant(Duration::ZERO));
        (all.corruption, all.truncation, all.misdelivery) = (always, always, always);
        all.late_copies =
            crate::sim::net::settings::LateCopy { chance: always, after: Duration::from_millis(5) };
        let fates = Fates::new(Seed(3));
        let ends = (ProcessId::site(0), ProcessId::site(1));
        let mut counts = [0; 4];
        for own in (0..1_000).map(|n| mix::mix(9, [n])) {
            let draw = |network: &NetworkSettings| fates.link_faults(network, Instant::ZERO, own, ends);
            let together = draw(&all);
            let corruption =
                NetworkSettings { corruption: always, ..NetworkSettings::calm(all.latency.clone()) };
            assert_eq!(draw(&corruption), LinkFaults { flips: together.flips, ..LinkFaults::default() });
            let truncation =
                NetworkSettings { truncation: always, ..NetworkSettings::calm(all.latency.clone()) };
            assert_eq!(draw(&truncation), LinkFaults { cut: together.cut, ..LinkFaults::default() });
            let happened = [
                together.flips.is_some(),
                together.cut.is_some(),
                together.again.is_some(),
                together.stray.is_some(),
            ];
            for (count, happened) in counts.iter_mut().zip(happened) {
                *count += u32::from(happened);
            }
            let range = Duration::from_millis(5)..=Duration::from_millis(10);
            assert!(together.again.is_none_or(|by| range.contains(&by)));
        }
        assert!(counts.iter().all(|count| (440..560).contains(count)), "{counts:?}");
    }
}
