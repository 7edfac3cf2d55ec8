//! Steps: when they fire, and what is said of those that do not.
