//! What several processes do: workers under a supervisor, programs that share a Redis or a folder, and
//! the servers in front of them and behind.

mod supervisor;
mod single_flight;
mod hosts;
mod refresh;
mod warming;
mod metrics;
mod faults;
mod load;
mod redis_away;
mod redis_shapes;
mod redis_tls;
mod nginx;
mod platforms;
