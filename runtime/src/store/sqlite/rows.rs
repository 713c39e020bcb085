//! How rows travel: many at a time, out as one JSON array and one blob with the bytes of all of them, in as parameters of one
//! statement, or as a JSON array where that is short. A row at a time, each would wake whoever waits for it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Row, Sqlite, SqliteConnection, Type};

pub(super) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// The rows of a query that gives them as one JSON array.
pub(super) async fn list<T: DeserializeOwned>(query: Query, connection: &mut SqliteConnection) -> sqlx::Result<Vec<T>> {
    rows_of(&query.fetch_one(connection).await?, 0)
}

/// The rows of the JSON array in this column.
pub(super) fn rows_of<T: DeserializeOwned>(row: &SqliteRow, column: usize) -> sqlx::Result<Vec<T>> {
    serde_json::from_str(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The columns of [`with_bytes`]: rows as one JSON array, and the bytes that belong to each.
macro_rules! columns_with_bytes {
    ($row:literal, $bytes:literal) => {
        concat!(
            "json_group_array(json_array(",
            $row,
            ")), json_group_array(length(",
            $bytes,
            ")), ",
            "CAST(group_concat(",
            $bytes,
            ", '') AS BLOB)"
        )
    };
}

pub(super) use columns_with_bytes;

/// Rows with the bytes of each, in the order in which the query came upon them; none where there is no value.
pub(super) fn with_bytes<T: DeserializeOwned>(row: &SqliteRow) -> sqlx::Result<Vec<(T, Option<Vec<u8>>)>> {
    let (rows, lengths): (Vec<T>, Vec<Option<usize>>) = (rows_of(row, 0)?, rows_of(row, 1)?);
    let mut rest = row.try_get::<Option<&[u8]>, _>(2)?.unwrap_or_default();
    let missing = || sqlx::Error::Decode("bytes of a row are missing".into());
    let mut take = |length: usize| -> sqlx::Result<Vec<u8>> {
        let (bytes, behind) = rest.split_at_checked(length).ok_or_else(missing)?;
        rest = behind;
        Ok(bytes.to_vec())
    };
    rows.into_iter().zip(lengths).map(|(row, length)| Ok((row, length.map(&mut take).transpose()?))).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The bytes of a hexadecimal number, as SQLite writes it.
pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.wrapping_sub(b'A').wrapping_add(10) & 0xf,
    };
    text.as_bytes().as_chunks().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}

/// Rows as one JSON array. Numbers and text cannot fail to be written; an empty array would write nothing.
pub(super) fn json<T: Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".into())
}

/// How many rows one `VALUES` takes at most: SQLite limits its parameters.
pub(super) const MOST: usize = 1024;

/// A transaction as one text of several statements, with their parameters. A parameter has no number: each statement takes the
/// next ones.
#[derive(Debug, Default)]
pub(super) struct Script {
    sql: String,
    arguments: SqliteArguments,
}

impl Script {
    /// A script that begins with this text.
    pub(super) fn of(text: &str) -> Self {
        Self { sql: text.to_owned(), ..Self::default() }
    }

    /// Appends text.
    pub(super) fn say(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    /// The value of the next parameter.
    pub(super) fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> sqlx::Result<()> {
        self.arguments.add(value).map_err(sqlx::Error::Encode)
    }

    /// Appends text that takes these rows as one JSON array, so many times.
    pub(super) fn each<T: Serialize>(&mut self, text: &str, times: usize, rows: &[T]) -> sqlx::Result<()> {
        self.say(text);
        let rows = json(rows);
        (0..times).try_for_each(|_| self.bind(rows.clone()))
    }

    /// Appends a statement that takes rows of so many columns, each value a parameter.
    pub(super) fn insert<R>(
        &mut self,
        into: &str,
        columns: usize,
        rows: impl IntoIterator<Item = R, IntoIter: ExactSizeIterator>,
        mut bind: impl FnMut(&mut Self, R) -> sqlx::Result<()>,
    ) -> sqlx::Result<()> {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let most = rows.len().min(MOST);
            self.sql.extend([into, " SELECT * FROM "]);
            self.values(columns, rows.by_ref().take(most), &mut bind)?;
            self.say(" WHERE column1 IS NOT NULL;");
        }
        Ok(())
    }

    /// Appends rows of so many columns, at most [`MOST`], as a table with the columns `column1` and so on. Where a statement for so
    /// many rows is prepared already, that costs half of what JSON does. So that few are prepared, rows of nulls fill up to the
    /// next power of two.
    pub(super) fn values<R>(
        &mut self,
        columns: usize,
        rows: impl ExactSizeIterator<Item = R>,
        mut bind: impl FnMut(&mut Self, R) -> sqlx::Result<()>,
    ) -> sqlx::Result<()> {
        let (given, count) = (rows.len(), rows.len().next_power_of_two());
        let row = format!("({}?)", "?,".repeat(columns - 1));
        let values = format!("{row},").repeat(count - 1);
        self.sql.extend(["(VALUES ", &values, &row, ")"]);
        self.arguments.reserve(columns * count, 0);
        for row in rows {
            bind(self, row)?;
        }
        (0..columns * (count - given)).try_for_each(|_| self.bind(None::<i64>))
    }

    /// The query of all of it.
    pub(super) fn query(self) -> Query {
        sqlx::query_with(AssertSqlSafe(self.sql), self.arguments)
    }
}
