//! Counters of what happened in a world, one row each. The counters of disk faults are in the rows of `DiskFault`.

use crate::sim::script::DiskFault;

/// Declares [`Statistics`]: each counter with its documentation, and its name in reports and facts.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $field:ident => $name:literal,)+) => {
        /// Counters of what happened in a world. Datagrams are counted once per recipient.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Statistics {
            $($(#[doc = $doc])+ pub $field: u64,)+
            /// One count per disk fault, in the order of `DiskFault::ALL`.
            disk_faults: [u64; DiskFault::ALL.len()],
        }

        impl Statistics {
            /// Every counter with its name.
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
    /// Datagrams lost by chance.
    lost => "lost by chance",
    /// Datagrams dropped by a rule.
    ruled_out => "dropped by a rule",
    /// Datagrams dropped because the link was cut, at sending or at delivery.
    cut => "dropped on a cut link",
    /// Datagrams dropped because the receiver was not running or does not exist.
    undeliverable => "dropped, receiver not running",
    /// Datagrams dropped because the receiver's inbox was full.
    overflowed => "dropped at a full inbox",
    /// Datagrams refused by the receiver: not of this cluster, or not decodable.
    rejected => "rejected by the receiver",
    /// Further copies made, by chance or by a rule.
    doubled => "doubled",
    /// Datagrams that chance held back so that others can overtake them.
    held_back => "held back by chance",
    /// Datagrams delayed by a rule.
    delayed => "delayed by a rule",
    /// Datagrams lost in a burst.
    lost_in_bursts => "lost in a burst",
    /// Copies with flipped bits, by chance or by a rule.
    corrupted => "corrupted",
    /// Copies cut short, by chance or by a rule.
    truncated => "truncated",
    /// Copies delivered to another process than their addressee, by chance or by a rule.
    misdelivered => "misdelivered",
    /// Copies that arrive once more, much later, by chance or because a rule kept them.
    redelivered => "redelivered",
    /// Copies that a rule kept.
    kept => "kept for redelivery",
    /// Copies held by a clogged link.
    clogged => "held by a clogged link",
    /// Datagrams sent over a link with a bandwidth limit.
    queued => "waited for bandwidth",
    /// Datagrams lost because a clogged link or a bandwidth queue was full.
    congested => "lost for want of bandwidth",
    /// Streams that broke.
    links_broken => "links broken",
    /// Streams that were connected again.
    links_connected => "links connected again",
    /// Copies that waited at their receiver's end because their stream was cut.
    waited => "waited for a cut link",
    /// Copies lost because their stream broke or was broken.
    lost_with_links => "lost with a broken link",
    /// Copies under way that a step delivered.
    delivered_by_hand => "delivered by hand",
    /// Copies under way that a step lost.
    lost_by_hand => "lost by hand",
    /// Further copies of datagrams under way that a step delivered.
    doubled_by_hand => "doubled by hand",
    /// Copies under way that a step delayed.
    delayed_by_hand => "delayed by hand",
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
    /// How often a journal went on to another file because the last one was full.
    files_filled => "files filled",
    /// Commands handed in.
    commands => "commands",
    /// Commands that were unanswered when their process ended, or that arrived while it was not running.
    lost_commands => "commands lost in a crash",
    /// How often a process became leader.
    leaderships => "leaderships",
    /// Crashes that tore the last unsynced write.
    torn => "torn writes",
    /// Crashes that scattered unsynced writes.
    scattered => "scattered writes",
    /// How often a leader was notified that its disk has no room for another file.
    leaders_low => "leaders with a full disk",
    /// How often a process that does not lead was notified of the same.
    others_low => "others with a full disk",
    /// How often a process was notified that its disk has room again.
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
    /// How often this disk fault had an effect: a failed call, damage, or a copy.
    pub const fn of_disk(&self, fault: DiskFault) -> u64 {
        self.disk_faults[fault as usize]
    }

    /// Counts one effect of this disk fault.
    pub(crate) const fn count_disk(&mut self, fault: DiskFault) {
        self.disk_faults[fault as usize] += 1;
    }
}
