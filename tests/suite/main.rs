//! One test binary whose modules are named after those of `src/`. The real program is run, with a real
//! Redis, a real nginx and a real Chromium; one that is missing fails its tests, and `bin/test`
//! installs them.
//!
//! Where a test stands says what it needs. Those below `processes` start several processes, those
//! below a module `stores` a Redis, and those below a module `chromium` a browser. All others need
//! nothing but the program, take seconds at the most, and are run by `bin/test fast`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "tests block their own threads only")]

mod helpers;

mod config;
mod data;
mod pages;
mod web;
mod processes;
mod deploy;
mod tidy;
