//! A frame as JSON by columns: each name once, instead of once a row.

use polars::prelude::{Column, DataFrame, DataType};
use serde::ser::{Error, Serialize, SerializeMap, Serializer};

/// A frame that becomes `{"name":[…],…}`: numbers in full precision, dates as text, null where there
/// is none.
pub struct Columns(pub DataFrame);

struct Values<'a>(&'a Column);

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.width()))?;
        for column in self.0.columns() {
            map.serialize_entry(column.name().as_str(), &Values(column))?;
        }
        map.end()
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wanted = match self.0.dtype() {
            DataType::Float64 => DataType::Float64,
            DataType::String | DataType::Date => DataType::String,
            _ => DataType::Int64,
        };
        let column = self.0.cast(&wanted).map_err(S::Error::custom)?;
        match wanted {
            DataType::Float64 => {
                serializer.collect_seq(column.f64().map_err(S::Error::custom)?.iter())
            }
            DataType::String => {
                serializer.collect_seq(column.str().map_err(S::Error::custom)?.iter())
            }
            _ => serializer.collect_seq(column.i64().map_err(S::Error::custom)?.iter()),
        }
    }
}
