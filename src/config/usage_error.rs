//! What is wrong with the command line or the environment, in one line.

use std::fmt;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;

/// Why the command line or the environment was not understood, in one line.
#[derive(Debug)]
pub struct UsageError(clap::Error);

impl UsageError {
    pub(super) fn new(error: clap::Error) -> Self {
        Self(error)
    }

    /// Whether the text answers `--help` or `--version` and is no mistake at all.
    pub fn is_answer(&self) -> bool {
        matches!(self.0.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
    }

    fn context(&self, kind: ContextKind) -> Option<String> {
        match self.0.get(kind)? {
            ContextValue::String(text) => Some(text.clone()),
            ContextValue::Strings(texts) => Some(texts.join(", ")),
            other => Some(other.to_string()),
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_answer() {
            return write!(f, "{}", self.0);
        }
        let option = self.context(ContextKind::InvalidArg);
        if let (ErrorKind::MissingRequiredArgument, Some(missing)) = (self.0.kind(), &option) {
            return write!(f, "this is missing: {missing}");
        }
        let value = self.context(ContextKind::InvalidValue);
        let (Some(option), Some(value)) = (option, value) else {
            // The first line says it; the rest is a usage text.
            let text = self.0.to_string();
            let line = text.lines().next().unwrap_or_default();
            return f.write_str(line.trim_start_matches("error: "));
        };
        if is_secret(&option) {
            let reason = std::error::Error::source(&self.0).map(ToString::to_string);
            return write!(f, "{}: {}", setting(&option), reason.unwrap_or_default());
        }
        let value = without_password(&value);
        write!(f, "{}: {value:?} is not understood", setting(&option))?;
        if value.is_empty() {
            return f.write_str(": a value is needed");
        }
        if let Some(known) = self.context(ContextKind::ValidValue) {
            return write!(f, "; it is one of: {known}");
        }
        match std::error::Error::source(&self.0) {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// Names a setting as its user wrote it: `PORT (--port)`.
fn setting(option: &str) -> String {
    let mut command = Cli::command();
    // Only a built command can write its arguments.
    command.build();
    let argument = command.get_arguments().find(|argument| argument.to_string() == option);
    let variable = argument.and_then(|argument| argument.get_env());
    let flag = option.split([' ', '=']).next().unwrap_or(option);
    match variable {
        Some(variable) => format!("{} ({flag})", variable.to_string_lossy()),
        None => flag.to_owned(),
    }
}

/// Whether the value of an option must not end up in a log, not even in part.
fn is_secret(option: &str) -> bool {
    option.starts_with("--session-key")
}

/// An address without what stands between its user and its host: errors end up in logs.
fn without_password(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => value.to_owned(),
    }
}
