//! Rows of numbers as an HTML table.

use askama::Template;

use crate::figure::{self, Numbers};

/// All rows of a frame, in words.
#[derive(Template)]
#[template(path = "graphs/table.html")]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// # Errors
    ///
    /// When a column cannot be read.
    pub(crate) fn new(numbers: &Numbers) -> anyhow::Result<Self> {
        Ok(Self { columns: figure::columns(numbers), rows: figure::rows(numbers)? })
    }
}
