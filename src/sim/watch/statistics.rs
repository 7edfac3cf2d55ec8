//! How often things happened in a world: one row for each counter. Those of disk faults stand in the rows of these.

use crate::sim::script::DiskFault;

/// Declares [`Statistics`]: each counter with its documentation and the name that reports and facts call it by.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $field:ident => $name:literal,)+) => {
        /// How often things happened. Datagrams are counted once per recipient.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Statistics {
            $($(#[doc = $doc])+ pub $field: u64,)+
            /// What came of faults of disks, by their place among all.
            disk_faults: [u64; DiskFault::ALL.len()],
        }

        impl Statistics {
            /// Every counter by its name.
            pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
                let of_disks = DiskFault::ALL.iter().zip(self.disk_faults);
                let of_disks = of_disks.filter_map(|(fault, count)| Some((fault.row().counter?, count)));
                [$(($name, self.$field)),+].into_iter().chain(of_disks)
            }
        }
    };
}

counters! {
    /// Datagrams handed to the network.
    sent => "datagrams sent",
    /// Datagrams handed to a process.
    delivered => "datagrams delivered",
    /// Lost by chance.
    lost => "lost by chance",
    /// Dropped by a rule.
    ruled_out => "dropped by a rule",
    /// Dropped because the link was cut, at sending or at delivery.
    cut => "dropped on a cut link",
    /// Dropped because the receiver did not run, or was never there.
    unheard => "unheard, as nobody was there",
    /// Dropped because too much waited at the receiver.
    overflowed => "dropped at a full inbox",
    /// Refused by the receiver: not a datagram of this cluster, or not one that decodes.
    rejected => "rejected by the receiver",
    /// Further copies made, by chance or by a rule.
    doubled => "doubled",
    /// Held back by chance, so that others may pass.
    held_back => "held back by chance",
    /// Delayed by a rule.
    delayed => "delayed by a rule",
    /// Lost in a burst.
    lost_in_bursts => "lost in a burst",
    /// Copies of which bits were flipped, by chance or by a rule.
    corrupted => "corrupted",
    /// Copies that were cut short, by chance or by a rule.
    truncated => "truncated",
    /// Copies that go to somebody else than whom they are for, by chance or by a rule.
    misdelivered => "misdelivered",
    /// Copies that arrive once more, much later, by chance or because a rule kept them.
    replayed => "replayed",
    /// Copies that a rule kept.
    kept => "kept for a replay",
    /// Held by a clogged link.
    clogged => "held by a clogged link",
    /// Sent over a link that carries only so much.
    queued => "waited for bandwidth",
    /// Lost because a link held or had waiting as much as it may.
    congested => "lost for want of bandwidth",
    /// Sites and clients that crashed.
    crashes => "crashes",
    /// Clients that crashed.
    client_crashes => "crashes of clients",
    /// Terminals that ended with the program of their site.
    terminals_ended => "terminals that ended with their site",
    /// Processes that started.
    starts => "starts",
    /// Syncs that completed.
    syncs => "syncs",
    /// Records that became durable.
    records => "records made durable",
    /// How often a journal went on to another file, as the one before was full.
    files_filled => "files filled",
    /// Commands handed in.
    commands => "commands",
    /// Commands that were not answered when their client or terminal ended, or that found it down.
    lost_commands => "commands lost in a crash",
    /// How often a process became leader.
    leaderships => "leaderships",
    /// Crashes that tore the last unsynced write.
    torn => "torn writes",
    /// Crashes that scattered unsynced writes.
    scattered => "scattered writes",
    /// How often a leader heard that its disk has no room for another file.
    leaders_low => "leaders with a full disk",
    /// How often somebody else did.
    others_low => "others with a full disk",
    /// How often one of them heard that there is room again.
    roomy_again => "disks with room again",
    /// Sites whose storage was wiped.
    wiped => "wiped disks",
    /// Starts that were refused because of what was on the disk.
    refused_starts => "starts refused",
    /// Processes that stopped by themselves.
    stopped => "processes that stopped by themselves",
    /// Inputs after which a slow process was handed nothing for a while.
    slowed => "processes slowed",
    /// Clocks that were set ahead or back.
    clocks_set => "clocks set",
    /// Clocks that were made to drift.
    clocks_drifting => "clocks made to drift",
}

impl Statistics {
    /// How often this fault of a disk came to something: to a call that failed, to damage, to a copy.
    pub const fn of_disk(&self, fault: DiskFault) -> u64 {
        self.disk_faults[fault as usize]
    }

    /// Something came of this fault of a disk.
    pub(crate) const fn count_disk(&mut self, fault: DiskFault) {
        self.disk_faults[fault as usize] += 1;
    }
}
