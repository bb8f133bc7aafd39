//! Sealing every value anew with the active key: all or nothing, and resumable.

use core::future::Future;

use signet_core::KeyId;

use crate::{MasterKeys, OpenError, Place, SealError, SealedValue};

/// Holds sealed values by their places, and beside them values that were sealed anew and are not in force yet.
///
/// What is staged outlives a crash, and is put in force all at once.
pub trait SealedStore: Sync {
    /// Why the store could not be read or written.
    type Error: Send;

    /// The next `limit` values in force behind the place `after`, in the order of their places; nothing is before `""`.
    fn values_after(
        &self,
        after: &str,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(String, String)>, Self::Error>> + Send;

    /// The next `limit` staged values behind the place `after`, in the order of their places.
    fn staged_after(
        &self,
        after: &str,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Resealed>, Self::Error>> + Send;

    /// Stages values, each in the place of what was staged for its place before.
    fn stage(&self, batch: &[Resealed]) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Puts everything staged in force as one step, and empties the staging; nothing at all if one of the values that
    /// were sealed anew is not the present one any more.
    fn apply(&self) -> impl Future<Output = Result<Applied, Self::Error>> + Send;

    /// Empties the staging.
    fn discard(&self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A value that was sealed anew.
#[derive(Clone, PartialEq, Eq)]
pub struct Resealed {
    /// The place it belongs to.
    pub place: String,
    /// The value that it was made from.
    pub was: String,
    /// The new one.
    pub value: String,
}

impl core::fmt::Debug for Resealed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Resealed({})", self.place)
    }
}

/// What became of putting the staged values in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// So many are in force.
    All(u64),
    /// A value was changed meanwhile, so none is.
    Conflict,
}

/// Why values were not sealed anew. Nothing has changed then, and every value opens as it did before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResealError<E> {
    /// A value does not open.
    #[error("the value of {place} does not open")]
    Closed {
        /// The place of the value.
        place: String,
        /// Why it does not open.
        #[source]
        error: OpenError,
    },
    /// A secret was not sealed.
    #[error(transparent)]
    Seal(SealError),
    /// Somebody changed values faster than they were sealed anew.
    #[error("values were changed again and again while they were sealed anew")]
    Restless,
    /// The store could not be read or written.
    #[error(transparent)]
    Store(E),
}

/// So many values are read, and staged, at a time.
pub const BATCH: u32 = 500;

/// So often a value may be changed meanwhile.
const PATIENCE: usize = 16;

/// Seals with the active key of `master` whatever `store` holds under another one, and returns how many that were.
///
/// What an earlier run staged is taken over as far as it is still right. `done` is told how many values were looked at;
/// it starts anew where somebody changed a value meanwhile.
/// Memory does not grow with the number of values.
///
/// # Errors
/// See [`ResealError`]. What was staged stays, and the next run goes on from there.
pub async fn reseal<S: SealedStore>(
    master: &MasterKeys,
    store: &S,
    done: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, ResealError<S::Error>> {
    let active = master
        .sealing()
        .ok_or(ResealError::Seal(SealError::NoActiveKey))?;
    for _ in 0..PATIENCE {
        let run = Run {
            master,
            store,
            active,
        };
        match run.stage_all(done).await? {
            Staged::Nothing => return Ok(0),
            Staged::Ready => {}
            Staged::Orphaned => {
                store.discard().await.map_err(ResealError::Store)?;
                continue;
            }
        }
        if let Applied::All(count) = store.apply().await.map_err(ResealError::Store)? {
            return Ok(count);
        }
    }
    Err(ResealError::Restless)
}

struct Run<'r, S> {
    master: &'r MasterKeys,
    store: &'r S,
    active: KeyId,
}

/// How things stand after all values were looked at.
enum Staged {
    /// Everything is sealed with the active key already.
    Nothing,
    /// What is staged can be put in force.
    Ready,
    /// Something is staged for a place that has no value any more.
    Orphaned,
}

impl<S: SealedStore> Run<'_, S> {
    async fn stage_all(
        &self,
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Staged, ResealError<S::Error>> {
        let mut earlier = Earlier::new(self.store);
        let (mut looked_at, mut staged) = (0, 0_u64);
        let mut after = String::new();
        loop {
            let values = self.store.values_after(&after, BATCH).await;
            let values = values.map_err(ResealError::Store)?;
            let Some((last, _)) = values.last() else {
                break;
            };
            after.clone_from(last);
            let mut batch = Vec::new();
            for (place, value) in values {
                let found = earlier.find(&place).await.map_err(ResealError::Store)?;
                looked_at += 1;
                match self.seal(place, value, found)? {
                    Sealed::Already => {}
                    Sealed::Before => staged += 1,
                    Sealed::Anew(resealed) => {
                        batch.push(resealed);
                        staged += 1;
                    }
                }
            }
            if !batch.is_empty() {
                let written = self.store.stage(&batch).await;
                written.map_err(ResealError::Store)?;
            }
            done(looked_at);
        }
        match earlier.has_orphans().await.map_err(ResealError::Store)? {
            true => Ok(Staged::Orphaned),
            false if staged == 0 => Ok(Staged::Nothing),
            false => Ok(Staged::Ready),
        }
    }

    /// `found` is what an earlier run staged for the place.
    fn seal(
        &self,
        place: String,
        value: String,
        found: Option<Resealed>,
    ) -> Result<Sealed, ResealError<S::Error>> {
        let closed = |place: &str, error| ResealError::Closed {
            place: place.to_owned(),
            error,
        };
        let belongs: Place = place
            .parse()
            .map_err(|error| closed(&place, OpenError::NoPlace(error)))?;
        let sealed: SealedValue = value
            .parse()
            .map_err(|error| closed(&place, OpenError::from(error)))?;
        if sealed.key() == self.active && found.is_none() {
            return Ok(Sealed::Already);
        }
        let secret = self
            .master
            .open_for_resealing(&belongs, &sealed)
            .map_err(|error| closed(&place, error))?;
        let is_still_right = |found: Resealed| {
            let again = found.value.parse::<SealedValue>().ok()?;
            let holds = self.master.open(&belongs, &again).ok()?;
            (found.was == value && again.key() == self.active && holds == secret).then_some(())
        };
        if found.and_then(is_still_right).is_some() {
            return Ok(Sealed::Before);
        }
        let again = self.master.seal(&belongs, &secret);
        Ok(Sealed::Anew(Resealed {
            place,
            was: value,
            value: again.map_err(ResealError::Seal)?.to_string(),
        }))
    }
}

/// What became of one value.
enum Sealed {
    /// It was sealed with the active key already.
    Already,
    /// An earlier run has staged it.
    Before,
    /// It is to be staged.
    Anew(Resealed),
}

/// What earlier runs staged, walked through in step with the values in force.
struct Earlier<'s, S> {
    store: &'s S,
    page: std::vec::IntoIter<Resealed>,
    next: Option<Resealed>,
    after: String,
    is_over: bool,
    has_orphans: bool,
}

impl<'s, S: SealedStore> Earlier<'s, S> {
    fn new(store: &'s S) -> Self {
        Self {
            store,
            page: Vec::new().into_iter(),
            next: None,
            after: String::new(),
            is_over: false,
            has_orphans: false,
        }
    }

    /// What is staged for `place`; places are asked for in their order.
    async fn find(&mut self, place: &str) -> Result<Option<Resealed>, S::Error> {
        loop {
            if self.next.is_none() {
                self.next = self.advance().await?;
            }
            match self.next.take_if(|next| next.place.as_str() <= place) {
                Some(found) if found.place == place => return Ok(Some(found)),
                Some(_) => self.has_orphans = true,
                None => return Ok(None),
            }
        }
    }

    /// Whether something is staged for a place that was not asked for.
    async fn has_orphans(mut self) -> Result<bool, S::Error> {
        Ok(self.has_orphans || self.next.is_some() || self.advance().await?.is_some())
    }

    async fn advance(&mut self) -> Result<Option<Resealed>, S::Error> {
        if let Some(next) = self.page.next() {
            return Ok(Some(next));
        }
        if self.is_over {
            return Ok(None);
        }
        let page = self.store.staged_after(&self.after, BATCH).await?;
        match page.last() {
            Some(last) => self.after.clone_from(&last.place),
            None => self.is_over = true,
        }
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

#[cfg(test)]
mod tests;
