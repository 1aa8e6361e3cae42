//! The pages, in modules named after those of `src/pages/`.
//!
//! A module `stores` tries its claims with each store and so needs a Redis; a module `chromium` needs
//! a browser. All other tests here need nothing but the program.

mod dashboard;
mod session;
mod patterns;
mod metrics;
mod health;
