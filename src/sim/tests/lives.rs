//! Crashes at every seam, restarts, pauses, disks.
