//! What all pages share, in modules named after those of `src/web/`.

mod policy;
mod route;
mod request;
mod client;
mod assets;
mod direct;
mod base;
mod notice;
mod error;
mod limits;
mod same_origin;
