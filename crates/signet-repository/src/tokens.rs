//! Repository tokens, by the rules of Apache Jackrabbit Oak's token provider with keys of 128 bits and an absolute end.

use data_encoding::HEXLOWER;
use signet_core::{Generation, Seconds, Subject, UnixSeconds};
use sqlx::Row as _;
use zeroize::Zeroizing;

use crate::sqlite::Connection;
use crate::{
    NewToken, Repository, RepositoryError, RepositoryToken, TokenId, TokenRow, column, oak, token,
};

impl Repository {
    /// Makes a token for a session, and stores its row and a hash of its key.
    ///
    /// One time in eight it also removes the tokens that have expired at `now`.
    ///
    /// # Errors
    /// If the repository cannot be written, or there are no random bytes.
    pub async fn create_token(
        &self,
        new: &NewToken,
        now: UnixSeconds,
    ) -> Result<(RepositoryToken, TokenRow), RepositoryError> {
        let mut key = Zeroizing::new([0; 16]);
        let mut salt = [0; 8];
        getrandom::fill(key.as_mut())?;
        getrandom::fill(&mut salt)?;
        let key = Zeroizing::new(HEXLOWER.encode(key.as_ref()));
        let row = TokenRow {
            id: TokenId::random()?,
            subject: new.subject.clone(),
            generation: new.generation,
            session: new.session,
            auth_time: new.auth_time,
            created: now,
            expires: new.expires.min(new.session_end),
            session_end: new.session_end,
            methods: new.methods.clone(),
        };
        let hash = oak::hash(&key, &row.subject, salt);

        let mut write = self.write().await?;
        insert(write.connection(), &row, hash).await?;
        // Oak's rule: when the first digit is below 2.
        if row.id.0[0] < 0x20 {
            remove_expired(write.connection(), now).await?;
        }
        write.commit().await?;
        let text = Zeroizing::new(format!("{}_{}", row.id, key.as_str()));
        Ok((RepositoryToken(text), row))
    }

    /// The row of a token that is known, has the right key and has not expired at `now`.
    ///
    /// Nothing is written. Whether the user and the session are still good is the caller's decision.
    ///
    /// # Errors
    /// If the repository cannot be read. A text that is no token is `None`.
    pub async fn find_token(
        &self,
        token: &str,
        now: UnixSeconds,
    ) -> Result<Option<TokenRow>, RepositoryError> {
        let Some((id, key)) = token::split(token) else {
            return Ok(None);
        };
        let found = sqlx::query(
            "SELECT id, user_id, generation, session, auth_time, created, expires, session_end, \
             methods, hash FROM tokens WHERE id = $1",
        )
        .bind(id.0.to_vec())
        .fetch_optional(self.store.readers())
        .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let row = TokenRow::read(&found)?;
        let is_good = oak::is_same(found.try_get(9)?, key, &row.subject) && now < row.expires;
        Ok(is_good.then_some(row))
    }

    /// Gives a token its full `life` again if half of it or less remains, but not beyond the end of the session.
    ///
    /// Returns the new expiry if there is one. Without one, nothing was written, and a token that expired stays so.
    ///
    /// # Errors
    /// If the repository cannot be read or written.
    pub async fn reset_expiration(
        &self,
        row: &TokenRow,
        life: Seconds,
        now: UnixSeconds,
    ) -> Result<Option<UnixSeconds>, RepositoryError> {
        let remaining = row.expires.since(now);
        let next = now.plus(life).min(row.session_end);
        if remaining == Seconds(0) || remaining.0 > life.0 / 2 || next <= row.expires {
            return Ok(None);
        }
        let mut write = self.write().await?;
        let reset = sqlx::query(
            "UPDATE tokens SET expires = $1 WHERE id = $2 AND expires < $1 AND expires > $3",
        )
        .bind(column::integer(next.0))
        .bind(row.id.0.to_vec())
        .bind(column::integer(now.0))
        .execute(write.connection())
        .await?;
        write.commit().await?;
        Ok((reset.rows_affected() > 0).then_some(next))
    }

    /// Forgets a token, and says whether it was known.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn remove_token(&self, id: TokenId) -> Result<bool, RepositoryError> {
        let mut write = self.write().await?;
        let removed = sqlx::query("DELETE FROM tokens WHERE id = $1")
            .bind(id.0.to_vec())
            .execute(write.connection())
            .await?;
        write.commit().await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Forgets the tokens that have expired at `now`, and says how many there were.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn remove_expired_tokens(&self, now: UnixSeconds) -> Result<u64, RepositoryError> {
        let mut write = self.write().await?;
        let removed = remove_expired(write.connection(), now).await?;
        write.commit().await?;
        Ok(removed)
    }
}

/// Forgets the tokens of a user that are older than a generation: none of them can be good any more.
pub(crate) async fn remove_older(
    connection: &mut Connection,
    subject: &Subject,
    generation: Generation,
) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM tokens WHERE user_id = $1 AND generation < $2")
        .bind(subject.as_str().to_owned())
        .bind(i64::from(generation.0))
        .execute(connection)
        .await?;
    Ok(())
}

async fn remove_expired(
    connection: &mut Connection,
    now: UnixSeconds,
) -> Result<u64, RepositoryError> {
    let removed = sqlx::query("DELETE FROM tokens WHERE expires <= $1")
        .bind(column::integer(now.0))
        .execute(connection)
        .await?;
    Ok(removed.rows_affected())
}

async fn insert(
    connection: &mut Connection,
    row: &TokenRow,
    hash: String,
) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO tokens (id, hash, user_id, generation, session, auth_time, created, expires, \
         session_end, methods) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(row.id.0.to_vec())
    .bind(hash)
    .bind(row.subject.as_str().to_owned())
    .bind(i64::from(row.generation.0))
    .bind(row.session.0.to_vec())
    .bind(column::integer(row.auth_time.0))
    .bind(column::integer(row.created.0))
    .bind(column::integer(row.expires.0))
    .bind(column::integer(row.session_end.0))
    .bind(serde_json::Value::from(row.methods.clone()).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
