//! A transaction that writes, and where the numbers of changes come from.

use sqlx::Transaction;

use crate::column;
use crate::sqlite::{Connection, Database};
use crate::{RepositoryError, Seq};

/// A transaction that writes. Dropped before [`Write::commit`], it leaves no trace.
pub(crate) struct Write(Transaction<'static, Database>);

impl Write {
    pub(crate) fn new(transaction: Transaction<'static, Database>) -> Self {
        Self(transaction)
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.0
    }

    /// The number for one changed row.
    pub(crate) async fn seq(&mut self) -> Result<Seq, RepositoryError> {
        self.reserve(1).await
    }

    /// The first of `count` numbers in a row.
    ///
    /// The counter's row stays locked until the commit, so a higher number is never seen before a lower one.
    pub(crate) async fn reserve(&mut self, count: u64) -> Result<Seq, RepositoryError> {
        let last: i64 =
            sqlx::query_scalar("UPDATE counter SET seq = seq + $1 WHERE id = 1 RETURNING seq")
                .bind(column::integer(count))
                .fetch_optional(&mut *self.0)
                .await?
                .ok_or(RepositoryError::Damaged("the counter of changes is gone"))?;
        let last = column::unsigned(last, "the counter of changes is negative")?;
        Ok(Seq(last.saturating_sub(count).saturating_add(1)))
    }

    pub(crate) async fn commit(self) -> Result<(), RepositoryError> {
        Ok(self.0.commit().await?)
    }
}
