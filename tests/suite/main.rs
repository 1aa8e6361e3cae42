//! One test binary, a file per route or claim. The real program is run, with a real Redis, a real
//! nginx and a real Chromium; one that is missing fails the tests, and `bin/test` installs them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "tests block their own threads only")]

mod helpers;

mod numbers;
mod import;
mod signal;
mod refresh;
mod warm;
mod graph;
mod page;
mod session;
mod bad_input;
mod supervisor;
mod single_flight;
mod faults;
mod load;
mod processes;
mod redis_away;
mod redis_tls;
mod redis_shapes;
mod dataset;
mod settings;
mod metrics;
mod request_id;
mod behind_a_proxy;
mod background;
mod patterns;
mod patterns_browser;
mod patterns_aggregates;
mod base_path;
mod assets;
mod proxy;
mod platforms;
mod browser;
mod tidy;
