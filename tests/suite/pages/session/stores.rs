//! Samples on disk and in Redis, drawn and answered by several workers.

mod keeping;
mod forgetting;
mod apart;
mod slow;
mod redis;
