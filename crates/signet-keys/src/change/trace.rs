//! What a removed key leaves where it was.

use signet_core::Key;

use crate::relocation::Needles;
use crate::{KeyError, KeyFault, KeyProvider};

/// Leaves no byte of a removed key where it was.
pub(super) fn clean(provider: &dyn KeyProvider, key: &Key) -> Result<(), KeyError> {
    provider.purge()?;
    match expect_no_trace(provider, key) {
        // Somebody may have removed it by hand before.
        Err(KeyError::Traces { .. }) => {
            provider.purge_everything()?;
            expect_no_trace(provider, key)
        }
        searched => searched,
    }
}

fn expect_no_trace(provider: &dyn KeyProvider, key: &Key) -> Result<(), KeyError> {
    let needles = Needles::of([key]);
    for path in provider.traces() {
        match needles.find(&path) {
            Ok(None) => {}
            Ok(Some(id)) => return Err(KeyError::Traces { id, path }),
            Err(error) => {
                return Err(KeyError::unusable(
                    &path,
                    KeyFault::Unreadable(error.into()),
                ));
            }
        }
    }
    Ok(())
}
