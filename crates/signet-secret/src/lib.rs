#![doc = include_str!("../README.md")]

mod error;
mod granite;
mod master;
mod place;
mod reseal;
#[cfg(test)]
mod testing;
mod value;

pub use error::{OpenError, SealError};
pub use granite::{GraniteOpenError, GraniteValue, GraniteValueError};
pub use master::MasterKeys;
pub use place::{Place, PlaceError, Segment};
pub use reseal::{Applied, BATCH, ResealError, Resealed, SealedStore, reseal};
pub use value::{MAX_SECRET_BYTES, SEALED_PREFIX, SealedValue, SealedValueError};
