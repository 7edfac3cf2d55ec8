//! Links, rules and machines.
