//! Tests of the ready models.

mod any;
mod kv;
mod long;
mod random;
