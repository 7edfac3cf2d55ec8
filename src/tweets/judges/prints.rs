//! Fingerprints of 64 bits, for judges that only ask whether they saw the same before and that show nothing of it.
//!
//! Each is a function of all bytes of what it stands for, so whatever was seen is found again. What was not seen is taken
//! for seen only if two fingerprints collide: among a million of them, by chance, less than once in ten million runs. The
//! judge of logs trusts digests of the same length.

use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::mix;
use crate::tweets::site::{Request, RequestId};
use crate::wire::Wire;

/// Room for the bytes of most requests.
const ROOM: usize = 256;

/// The fingerprint of a request as `client` asked it, or as anybody did.
pub(super) fn of_request(request: &Request, client: Option<ProcessId>) -> u64 {
    of(request, client)
}

/// The fingerprint of a request's id as that of a request by `client`, or by anybody.
pub(super) fn of_id(id: RequestId, client: Option<ProcessId>) -> u64 {
    of(&id, client)
}

fn of(what: &impl Wire, client: Option<ProcessId>) -> u64 {
    let mut bytes = Vec::with_capacity(ROOM);
    what.encode(&mut bytes);
    let client = client.map_or(0, |client| u64::from(client.number()) + 1);
    mix::mix(client, [mix::absorb(0, &bytes)])
}
