//! The storage of OmniPaxos: it writes into memory, and keeps each write for the journal.

use std::cell::RefCell;
use std::rc::Rc;

use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::storage::{NoSnapshot, StopSign, Storage, StorageOp, StorageResult};
use serde::{Deserialize, Serialize};

use crate::Number;

/// One write of OmniPaxos to its storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Record {
    /// The log from this index on.
    Log(usize, Vec<Number>),
    Promise(Ballot),
    AcceptedRound(Ballot),
    DecidedIndex(usize),
}

/// What is on disk, once `unwritten` is. The cage asks for no snapshots, no trimming and no reconfiguration.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) log: Vec<Number>,
    promise: Option<Ballot>,
    accepted_round: Option<Ballot>,
    pub(crate) decided: usize,
    /// Writes that the host does not have yet. Shared with the site, since `OmniPaxos` gives no access to its storage.
    pub(crate) unwritten: Rc<RefCell<Vec<Record>>>,
}

impl Store {
    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::Log(from, numbers) => {
                self.log.truncate(*from);
                self.log.extend(numbers);
            }
            Record::Promise(ballot) => self.promise = Some(*ballot),
            Record::AcceptedRound(ballot) => self.accepted_round = Some(*ballot),
            Record::DecidedIndex(index) => self.decided = *index,
        }
    }

    fn write(&mut self, record: Record) -> StorageResult<()> {
        self.apply(&record);
        self.unwritten.borrow_mut().push(record);
        Ok(())
    }
}

impl Storage<Number> for Store {
    /// The records of one input become durable together or not at all.
    fn write_atomically(&mut self, ops: Vec<StorageOp<Number>>) -> StorageResult<()> {
        ops.into_iter().try_for_each(|op| match op {
            StorageOp::AppendEntry(number) => self.append_entry(number),
            StorageOp::AppendEntries(numbers) => self.append_entries(numbers),
            StorageOp::AppendOnPrefix(from, numbers) => self.append_on_prefix(from, numbers),
            StorageOp::SetPromise(ballot) => self.set_promise(ballot),
            StorageOp::SetDecidedIndex(index) => self.set_decided_idx(index),
            StorageOp::SetAcceptedRound(ballot) => self.set_accepted_round(ballot),
            other => Err(format!("the cage does not ask for {other:?}").into()),
        })
    }
    fn append_entry(&mut self, number: Number) -> StorageResult<()> {
        self.append_entries(vec![number])
    }
    fn append_entries(&mut self, numbers: Vec<Number>) -> StorageResult<()> {
        self.write(Record::Log(self.log.len(), numbers))
    }
    fn append_on_prefix(&mut self, from: usize, numbers: Vec<Number>) -> StorageResult<()> {
        self.write(Record::Log(from, numbers))
    }
    fn set_promise(&mut self, ballot: Ballot) -> StorageResult<()> {
        self.write(Record::Promise(ballot))
    }
    fn set_decided_idx(&mut self, index: usize) -> StorageResult<()> {
        self.write(Record::DecidedIndex(index))
    }
    fn set_accepted_round(&mut self, ballot: Ballot) -> StorageResult<()> {
        self.write(Record::AcceptedRound(ballot))
    }
    fn get_decided_idx(&self) -> StorageResult<usize> {
        Ok(self.decided)
    }
    fn get_accepted_round(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.accepted_round)
    }
    fn get_entries(&self, from: usize, to: usize) -> StorageResult<Vec<Number>> {
        Ok(self.log.get(from..to).unwrap_or(&[]).to_vec())
    }
    fn get_log_len(&self) -> StorageResult<usize> {
        Ok(self.log.len())
    }
    fn get_suffix(&self, from: usize) -> StorageResult<Vec<Number>> {
        Ok(self.log.get(from..).unwrap_or(&[]).to_vec())
    }
    fn get_promise(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.promise)
    }
    fn set_stopsign(&mut self, _: Option<StopSign>) -> StorageResult<()> {
        Err("the cage does not reconfigure".into())
    }
    fn get_stopsign(&self) -> StorageResult<Option<StopSign>> {
        Ok(None)
    }
    fn trim(&mut self, _: usize) -> StorageResult<()> {
        Err("the cage does not trim".into())
    }
    fn set_compacted_idx(&mut self, _: usize) -> StorageResult<()> {
        Err("the cage does not trim".into())
    }
    fn get_compacted_idx(&self) -> StorageResult<usize> {
        Ok(0)
    }
    fn set_snapshot(&mut self, _: Option<NoSnapshot>) -> StorageResult<()> {
        Err("the cage has no snapshots".into())
    }
    fn get_snapshot(&self) -> StorageResult<Option<NoSnapshot>> {
        Ok(None)
    }
}
