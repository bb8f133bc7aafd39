#![doc = include_str!("../README.md")]

pub mod base64url;
mod claims;
mod denied;
mod explain;
mod group;
mod identifier;
mod index;
mod json;
mod key;
mod mark;
mod policy;
mod purpose;
mod ring;
mod session;
mod subject;
mod table;
mod time;
pub mod token;
mod verdict;

pub use claims::{Claims, ClaimsError, StringList};
pub use denied::Denied;
pub use explain::{Step, StepKind, explain};
pub use group::{GroupName, GroupNameError, GroupSet};
pub use identifier::{Generation, IdentifierError, Issuer, KeyId, SessionId, Zone};
pub use index::{IndexKey, User, UserIndex, UserRecord};
pub use key::{Key, KeyMaterial, KeyState, KeyStateError, RingName, RingNameError};
pub use mark::{Mark, MarkId, Marks};
pub use policy::{Format, FormatError, TokenPolicy};
pub use purpose::Purpose;
pub use ring::KeyRing;
pub use session::{Groups, Profile, Session};
pub use subject::{Subject, SubjectError};
pub use time::{Clock, Seconds, UnixSeconds};
pub use token::{MAX_TOKEN_BYTES, MintError, Scratch};
pub use verdict::Verifier;
