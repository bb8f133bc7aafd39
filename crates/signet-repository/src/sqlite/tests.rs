use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use sqlx::error::{DatabaseError, ErrorKind as Kind};

use super::*;

/// What the database says with a code alone.
#[derive(Debug)]
struct Said(u32);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for Said {}

impl DatabaseError for Said {
    fn message(&self) -> &str {
        "disk I/O error"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.to_string().into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> Kind {
        Kind::Other
    }
}

fn classified(code: u32) -> RepositoryError {
    classify(sqlx::Error::Database(Box::new(Said(code))))
}

#[test]
fn a_disk_on_which_the_index_of_the_log_cannot_grow_is_full() {
    for code in [13, 4_874] {
        let error = classified(code);
        assert!(
            matches!(error, RepositoryError::DiskFull),
            "{code}: {error:?}"
        );
    }
    // Another thing went wrong with the disk: a read of it.
    let error = classified(266);
    assert!(matches!(error, RepositoryError::Database(_)), "{error:?}");
}

#[test]
fn a_read_only_file_system_is_no_lack_of_permission() {
    let of = |kind: ErrorKind| refined(classified(14), || Err(kind.into()));
    let error = of(ErrorKind::ReadOnlyFilesystem);
    assert!(matches!(error, RepositoryError::ReadOnly), "{error:?}");
    let error = of(ErrorKind::PermissionDenied);
    assert!(
        matches!(error, RepositoryError::PermissionDenied),
        "{error:?}"
    );
    // The directory is what cannot be written.
    let error = refined(classified(14), || Ok(()));
    assert!(
        matches!(error, RepositoryError::PermissionDenied),
        "{error:?}"
    );
    // Nothing else is looked into.
    let error = refined(RepositoryError::Busy, || unreachable!());
    assert!(matches!(error, RepositoryError::Busy), "{error:?}");
}
