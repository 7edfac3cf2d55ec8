//! Tests of the ready models.

mod kv;
mod any;
mod random;
