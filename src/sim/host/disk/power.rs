//! When the power of a disk's machine fails: after a number of calls that change the disk.

use alloc::borrow::ToOwned;

use super::FileId;
use crate::journal::DiskError;

/// The power of a disk's machine. Each call that changes the disk checks it first and reports to it afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Power {
    state: PowerState,
    /// The file that was written last.
    file: Option<FileId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum PowerState {
    #[default]
    Lasts,
    /// After the first write to another file than the last one, this many more calls succeed.
    LastsPastRollover(u8),
    /// This many more calls succeed; at least 1.
    LastsFor(u8),
    Out,
}

impl Power {
    /// The power fails after this many more calls; never if `None`.
    pub(crate) fn lasts_for(&mut self, calls: Option<u8>) {
        self.state = calls.map_or(PowerState::Lasts, PowerState::after);
    }

    /// The power fails this many calls after the first write to another file, unless a failure is already set.
    pub(crate) fn lasts_past_rollover(&mut self, calls: u8) {
        if self.state == PowerState::Lasts {
            self.state = PowerState::LastsPastRollover(calls);
        }
    }

    pub(crate) fn is_out(&self) -> bool {
        self.state == PowerState::Out
    }

    /// Fails if the power is out.
    pub(super) fn check(&self) -> Result<(), DiskError> {
        match self.state {
            PowerState::Out => Err(DiskError::Io("the power failed".to_owned())),
            PowerState::Lasts | PowerState::LastsPastRollover(_) | PowerState::LastsFor(_) => Ok(()),
        }
    }

    /// A call has changed the disk.
    pub(super) fn called(&mut self) {
        if let PowerState::LastsFor(calls) = self.state {
            self.state = PowerState::after(calls - 1);
        }
    }

    /// A call has written to a file.
    pub(super) fn wrote(&mut self, file: FileId) {
        let is_other = self.file.replace(file).is_some_and(|last| last != file);
        match self.state {
            PowerState::LastsPastRollover(calls) if is_other => self.state = PowerState::after(calls),
            _ => self.called(),
        }
    }
}

impl PowerState {
    const fn after(calls: u8) -> PowerState {
        match calls {
            0 => PowerState::Out,
            calls => PowerState::LastsFor(calls),
        }
    }
}
