//! All processes of a world with their hosts, and the buffers of the process that is handling an input.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::outbox::Outgoing;
use crate::process::{Effects, Process, Records};
use crate::sim::host::decode_cache::DecodeCache;
use crate::sim::host::disk::SimDisk;
use crate::sim::host::{SimHost, candidate, follower, laggard, leader};
use crate::sim::net::rules::Roles;
use crate::time::Duration;

/// The ChaCha8 streams of a world's seed. Stream 1 belongs to the fates of datagrams.
const STREAM_PROCESSES: u64 = 2;
const STREAM_TEARS: u64 = 3;

/// The place of a host in the list of hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HostIndex(u32);

/// The order of the hosts: sites, then terminals, then clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    sites: u8,
    clients: u16,
}

impl Places {
    /// Places for this many sites with a terminal each, and this many clients.
    pub(crate) const fn new(sites: u8, clients: u16) -> Places {
        Places { sites, clients }
    }

    pub(crate) fn sites(self) -> SiteSet {
        SiteSet::first(self.sites)
    }

    /// The place of a process; `None` if there is no such process.
    #[inline]
    pub(crate) fn place(self, id: ProcessId) -> Option<HostIndex> {
        let sites = u32::from(self.sites);
        let (first, number, count) = match id {
            ProcessId::Site(site) => (0, u32::from(site.number()), sites),
            ProcessId::Terminal(site) => (sites, u32::from(site.number()), sites),
            ProcessId::Client(number) => (2 * sites, u32::from(number), u32::from(self.clients)),
        };
        (number < count).then_some(HostIndex(first + number))
    }
}

/// All hosts, by place.
#[derive(Clone, Debug)]
pub(crate) struct HostList<P: Process> {
    hosts: Vec<SimHost<P>>,
    places: Places,
}

impl<P: Process> HostList<P> {
    /// Sites with these disks, a terminal each, and this many clients.
    fn new(disks: Vec<SimDisk>, sync_time: Duration, clients: u16) -> HostList<P> {
        let sites = u8::try_from(disks.len()).expect("a world has at most 9 sites");
        let ids = SiteSet::first(sites);
        let with_disk =
            ids.iter().zip(disks).map(|(site, disk)| SimHost::new(site.into(), Some(disk), sync_time));
        let others = ids.iter().map(ProcessId::Terminal).chain((0..clients).map(ProcessId::Client));
        let without = others.map(|other| SimHost::new(other, None, Duration::ZERO));
        HostList { hosts: with_disk.chain(without).collect(), places: Places::new(sites, clients) }
    }

    /// The place of a process; `None` if there is no such process.
    #[inline]
    pub(crate) fn place(&self, id: ProcessId) -> Option<HostIndex> {
        self.places.place(id)
    }

    /// The places of the sites.
    pub(crate) fn of_sites(&self) -> impl Iterator<Item = HostIndex> + use<P> {
        (0..u32::from(self.places.sites)).map(HostIndex)
    }

    /// The places of terminals and clients.
    pub(crate) fn of_others(&self) -> impl Iterator<Item = HostIndex> + use<P> {
        let sites = u32::from(self.places.sites);
        (sites..2 * sites + u32::from(self.places.clients)).map(HostIndex)
    }

    /// The leading site of the highest rank.
    pub(crate) fn leader(&self) -> Option<SiteId> {
        leader(&self.hosts)
    }

    /// The holder of each role at this moment, with the sites of each machine.
    pub(crate) fn roles<'a>(&self, machines: &'a [SiteSet]) -> Roles<'a> {
        let hosts = &self.hosts;
        Roles {
            leader: leader(hosts),
            follower: follower(hosts),
            candidate: candidate(hosts),
            laggard: laggard(hosts),
            ends: None,
            sites: self.places.sites(),
            machines,
        }
    }

    /// Disarms every crash and disk fault that waits.
    pub(crate) fn spare_all(&mut self) {
        self.hosts.iter_mut().for_each(SimHost::spare);
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, SimHost<P>> {
        self.hosts.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> core::slice::IterMut<'_, SimHost<P>> {
        self.hosts.iter_mut()
    }
}

impl<P: Process> Index<HostIndex> for HostList<P> {
    type Output = SimHost<P>;

    #[inline]
    fn index(&self, host: HostIndex) -> &SimHost<P> {
        &self.hosts[host.0 as usize]
    }
}

impl<P: Process> IndexMut<HostIndex> for HostList<P> {
    #[inline]
    fn index_mut(&mut self, host: HostIndex) -> &mut SimHost<P> {
        &mut self.hosts[host.0 as usize]
    }
}

/// Every process with its host.
#[derive(Clone)]
pub(crate) struct Hosts<P: Process> {
    pub(crate) list: HostList<P>,
    pub(crate) seed_of_processes: Seed,
    pub(crate) seed_of_tears: Seed,
    /// Decoded durable records, for the judge.
    pub(crate) cache: DecodeCache<P::Record>,
    /// The process whose code is running. It stays set if that code panics.
    pub(crate) handling: Option<ProcessId>,
    /// The effects of the input being handled; empty between inputs.
    pub(crate) effects: Effects<P>,
    /// Messages that may leave; empty between events.
    pub(crate) ready: VecDeque<Outgoing>,
    /// Memory for the records of the next batches.
    pub(crate) spare: SpareRecords,
}

/// Records that are not needed any more, kept to reuse their memory. A clone is empty.
#[derive(Debug, Default)]
pub(crate) struct SpareRecords(Vec<Records>);

impl Clone for SpareRecords {
    fn clone(&self) -> SpareRecords {
        SpareRecords::default()
    }
}

impl SpareRecords {
    /// Takes the records out of `full` and leaves none there.
    pub(crate) fn exchange(&mut self, full: &mut Records) -> Records {
        core::mem::replace(full, self.0.pop().unwrap_or_default())
    }

    pub(crate) fn give(&mut self, mut records: Records) {
        records.clear();
        self.0.push(records);
    }
}

impl<P: Process> Hosts<P> {
    /// Sites with these disks, a terminal each, and this many clients.
    pub(crate) fn new(seed: Seed, disks: Vec<SimDisk>, sync_time: Duration, clients: u16) -> Hosts<P> {
        Hosts {
            list: HostList::new(disks, sync_time, clients),
            seed_of_processes: Seed(seed.key(STREAM_PROCESSES)),
            seed_of_tears: Seed(seed.key(STREAM_TEARS)),
            cache: DecodeCache::default(),
            handling: None,
            effects: Effects::default(),
            ready: VecDeque::new(),
            spare: SpareRecords::default(),
        }
    }

    /// Draws everything from here on from other keys, made of the present ones and `salt`. Processes do the same.
    pub(crate) fn rekey(&mut self, salt: u64) {
        self.seed_of_processes = self.seed_of_processes.part([salt]);
        self.seed_of_tears = self.seed_of_tears.part([salt]);
        for running in self.list.iter_mut().filter_map(SimHost::running_mut) {
            running.process.rekey(salt);
        }
    }
}
