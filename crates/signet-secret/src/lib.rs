#![doc = include_str!("../README.md")]

mod error;
mod master;
mod place;
mod value;

pub use error::{OpenError, SealError};
pub use master::MasterKeys;
pub use place::{Place, PlaceError};
pub use value::{MAX_SECRET_BYTES, SEALED_PREFIX, SealedValue, SealedValueError};
