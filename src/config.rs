//! Configuration: the only reader of the command line and the environment.
//!
//! Every setting is an option and a variable, with its default and its reason on one screen.
//! Parsing is total: past this file a duration is a [`Duration`] and an address an [`IpAddr`].

use std::ffi::OsString;
use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use oneflight::store::redis::Address;

pub use self::environment::{is_set, worker_command};
pub use self::import::Import;
pub use self::usage_error::UsageError;
use crate::web::base::BasePath;
use crate::web::client::TrustedProxies;
use crate::web::cookie::SessionKey;

mod import;
mod environment;
mod usage_error;
mod value;

/// What is logged unless another filter is set: actix announces its own start besides ours.
const FILTER: &str = "info,actix_server=warn";

/// What the command line asks for.
#[derive(Debug, Parser)]
#[command(
    name = "quadrant",
    version,
    about,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// The command word; none means `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings of `serve`, which may stand without the word.
    #[command(flatten)]
    pub config: Config,
}

/// The command words.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves the dashboard (the default)
    Serve(Box<Config>),
    /// Makes the data file from a published one
    Import(Import),
}

/// The settings of `quadrant serve`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address to listen on; 0.0.0.0 for every interface
    #[arg(long, env = "HOST", default_value = "127.0.0.1", value_parser = value::host)]
    pub host: IpAddr,
    /// TCP port to listen on; 0 takes a free one
    #[arg(long, env = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Worker processes
    #[arg(long, env = "WEB_CONCURRENCY", default_value = "1", value_parser = value::workers)]
    pub workers: NonZeroU16,
    /// Path below which all addresses live, such as /flights; without it they begin at the root
    #[arg(long, env = "BASE_PATH", default_value = "", hide_default_value = true)]
    pub base_path: BasePath,
    /// Addresses and networks, with commas, of proxies that may tell their client's address, protocol and host
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "", hide_default_value = true)]
    pub trusted_proxies: TrustedProxies,
    /// Redis to keep the cache in: redis://HOST:PORT/DB, rediss:// for TLS,
    /// redis-sentinel://HOST:PORT,HOST:PORT/DB#MASTER or redis-cluster://HOST:PORT,HOST:PORT;
    /// without it the disk keeps the cache
    #[arg(long, env = "REDIS_URL", value_parser = value::redis_url, default_value = "", hide_env_values = true, hide_default_value = true)]
    pub redis_url: RedisUrl,
    /// Whether a Redis reached by TLS must show a certificate that this system trusts; `false`
    /// accepts any: the connection is then encrypted, but not authenticated
    #[arg(long, env = "REDIS_TLS_VERIFY", default_value = "true", action = ArgAction::Set)]
    pub redis_tls_verify: bool,
    /// What the names of all entries begin with, in Redis and on disk; programs with different
    /// prefixes share a Redis without seeing each other
    #[arg(long, env = "CACHE_PREFIX", default_value = "quadrant", value_parser = value::prefix)]
    pub cache_prefix: String,
    /// Folder of the cache on disk
    #[arg(long, env = "CACHE_DIR", default_value = ".cache/quadrant")]
    pub cache_dir: PathBuf,
    /// How long an entry lives after its last use
    #[arg(long, env = "CACHE_EXPIRE", default_value = "24h", value_parser = value::lifetime)]
    pub cache_expire: Duration,
    /// Age at which an answer is computed anew, while the old one is still shown; 0s for never
    #[arg(long, env = "CACHE_MAX_AGE", default_value = "0s", value_parser = value::duration)]
    pub cache_max_age: Duration,
    /// Airports whose answers are computed before anybody asks, at the start and when the data file
    /// was replaced: the ones used last, besides all airports together; 0 turns that off
    #[arg(long, env = "WARM", default_value_t = 10)]
    pub warm: u16,
    /// Bytes that the cache on disk may occupy; the least recently used entries go first
    #[arg(long, env = "CACHE_MAX_BYTES", default_value = "256MiB", value_parser = value::size)]
    pub cache_max_bytes: u64,
    /// The data file, made by `quadrant import`
    #[arg(long, env = "DATASET", default_value = "data/flights.parquet")]
    pub dataset: PathBuf,
    /// Time added to every expensive computation, to see what caching does
    #[arg(long, env = "SIMULATED_COST", default_value = "0s", value_parser = value::duration)]
    pub simulated_cost: Duration,
    /// Secret of 64 bytes or more that signs session cookies; without it a random one is made, and
    /// all sessions end with the program
    #[arg(long, env = "SESSION_KEY", value_parser = value::session_key, default_value = "", hide_env_values = true, hide_default_value = true)]
    pub session_key: Secret,
    /// The secret before, whose session cookies are still accepted
    #[arg(long, env = "SESSION_KEY_PREVIOUS", value_parser = value::session_key, default_value = "", hide_env_values = true, hide_default_value = true)]
    pub session_key_previous: Secret,
    /// Sessions that may have data; beyond it those of the least recently used go
    #[arg(long, env = "SESSION_MAX", default_value = "1000", value_parser = value::sessions)]
    pub session_max: NonZeroU32,
    /// Form of the log lines
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_enum)]
    pub log_format: LogFormat,
    /// What is logged, such as debug or quadrant=trace,warn
    #[arg(long, env = "RUST_LOG", default_value = FILTER, value_parser = value::filter)]
    pub rust_log: String,
    /// Whether this process is one of the workers; only the supervisor says so
    #[arg(long, hide = true)]
    pub worker: bool,
}

/// Where a Redis is, if there is one.
#[derive(Debug, Clone)]
pub struct RedisUrl(pub Option<Address>);

/// A key for session cookies, if there is one.
#[derive(Debug, Clone)]
pub struct Secret(pub Option<SessionKey>);

/// The two forms of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Cli {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    ///
    /// The help and version texts, and a [`UsageError`] for whatever cannot be understood.
    pub fn from_env() -> Result<Self, UsageError> {
        Self::parse_from_words(environment::words())
    }

    fn parse_from_words(words: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let words: Vec<OsString> = words.into_iter().collect();
        let mut command = environment::without_empty(Self::command());
        if words.get(1).is_some_and(|word| word == "import") {
            // An import has no port; a wrong one in the environment is not its business.
            command = command.mut_args(|argument| argument.env(None::<&'static str>));
        }
        let matches = command.try_get_matches_from(words).map_err(UsageError::new)?;
        let mut cli = Self::from_arg_matches(&matches).map_err(UsageError::new)?;
        match &mut cli.command {
            Some(Command::Serve(config)) => config.join(),
            Some(Command::Import(_)) => {}
            None => cli.config.join(),
        }
        Ok(cli)
    }
}

impl Config {
    /// Puts together what two settings say of one thing.
    fn join(&mut self) {
        if let (Some(address), false) = (&self.redis_url.0, self.redis_tls_verify) {
            self.redis_url.0 = Some(address.clone().unverified());
        }
    }

    /// Where the cache is, in words.
    pub fn cache_in_words(&self) -> String {
        match &self.redis_url.0 {
            Some(address) => format!("in Redis at {address:?}"),
            None => format!("on disk in {}", self.cache_dir.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Cli, UsageError> {
        Cli::parse_from_words(["quadrant"].iter().chain(words).map(OsString::from))
    }

    #[test]
    fn a_wrong_value_is_named_in_one_line_with_its_variable() {
        for (words, line) in [
            (["--port", "abc"], "PORT (--port): \"abc\" is not understood"),
            (["--cache-expire", "0s"], "CACHE_EXPIRE (--cache-expire): \"0s\""),
            (["--cache-max-bytes", "many"], "CACHE_MAX_BYTES (--cache-max-bytes): \"many\""),
            (["--log-format", "xml"], "LOG_FORMAT (--log-format): \"xml\""),
            (["--redis-url", "http://x"], "REDIS_URL (--redis-url): \"http://x\""),
            (["--redis-tls-verify", "maybe"], "REDIS_TLS_VERIFY (--redis-tls-verify): \"maybe\""),
            (["--simulated-cost", "soon"], "SIMULATED_COST (--simulated-cost): \"soon\""),
            (["--wrong", "x"], "unexpected argument '--wrong'"),
        ] {
            let mistake = parse(&words).unwrap_err().to_string();

            assert!(mistake.starts_with(line), "{mistake}");
            assert_eq!(mistake.lines().count(), 1, "{mistake}");
        }
    }

    #[test]
    fn the_word_serve_may_be_left_out() {
        let short = parse(&["--port", "1"]).unwrap();
        let long = parse(&["serve", "--port", "1"]).unwrap();

        let Some(Command::Serve(config)) = long.command else { panic!("serve was not parsed") };
        assert!(short.command.is_none());
        assert_eq!((short.config.port, config.port), (1, 1));
    }
}
