//! Whether two sites that agree hold the same: the log, the timeline, the sessions, and how far each origin came.

use crate::tweets::site::Site;

/// What differs; `one` has not gone further than `other`.
pub(super) fn same_state(one: &Site, other: &Site) -> Result<(), String> {
    let (short, long) = (one.status().applied, other.status().applied);
    if short > long {
        return Err(format!("{short} slots were applied, and {long} are"));
    }
    let first = one.log().first();
    let mut later = other.log().chosen_from(first);
    for (slot, entry) in one.log().chosen_from(first).take_while(|(slot, _)| *slot < short) {
        if later.next() != Some((slot, entry)) {
            return Err(format!("their logs differ in slot {slot}"));
        }
    }
    // Slots that were chosen in between change what is held as they should, which judges see to.
    if short < long {
        return Ok(());
    }
    let (one, other) = (one.replica(), other.replica());
    if !one.machine().tweets().eq(other.machine().tweets()) {
        return Err("their tweets differ".to_owned());
    }
    if !one.machine().blocks().eq(other.machine().blocks()) {
        return Err("their blocks differ".to_owned());
    }
    if one.origins() != other.origins() {
        return Err("they differ in what was taken of each origin".to_owned());
    }
    if one.session_count() != other.session_count() {
        let (before, behind) = (one.session_count(), other.session_count());
        return Err(format!("one has {before} sessions open, the other {behind}"));
    }
    if one == other { Ok(()) } else { Err("their tables of sessions differ".to_owned()) }
}
