//! What every page needs and no page is.

pub mod app;
pub mod route;
pub mod parameters;
pub mod same_origin;
pub mod request;
pub mod client;
pub mod cookie;
pub(crate) mod headers;
pub mod body;
pub mod drain;
pub mod reply;
pub mod encoded_body;
pub mod fragment_cache;
pub(crate) mod direct;
pub mod large;
pub mod assets;
pub mod provenance;
pub mod time;
pub mod wait;
pub mod notice;
pub mod error;
pub mod base;
