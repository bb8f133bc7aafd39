//! For whom a bundle is, readable from outside.
//!
//! Recipients of age are anonymous, so who gets the wrong file could only say "not for me".
//! Beside the stanza that holds the key of the file there is one for each instance that names it, and that age passes
//! over: `-> signet-for <id> <name>`. The MAC over the header covers it, for those who can open the file.

use core::cell::RefCell;
use std::collections::HashSet;

use age::{DecryptError, EncryptError, Identity, Recipient};
use age_core::format::{FileKey, Stanza};

use crate::sealing::decryptor;
use crate::{NodeCard, NodeId, NodeName};

/// An instance that a bundle is sealed for.
pub(crate) struct Addressee<'c>(pub(crate) &'c NodeCard);

const TAG: &str = "signet-for";

impl Recipient for Addressee<'_> {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let (mut stanzas, labels) = self.0.recipient().wrap_file_key(file_key)?;
        stanzas.push(Stanza {
            tag: TAG.to_owned(),
            args: vec![self.0.id().to_string(), self.0.name().to_string()],
            body: Vec::new(),
        });
        Ok((stanzas, labels))
    }
}

/// Who is named on the outside of an age file.
pub(super) fn named(sealed: &[u8]) -> Vec<(NodeId, NodeName)> {
    let names = Names(RefCell::default());
    if let Ok(decryptor) = decryptor(sealed) {
        // It opens nothing, and so always fails; on the way it has seen every stanza.
        let _ = decryptor.decrypt(core::iter::once(&names as &dyn Identity));
    }
    names.0.into_inner()
}

/// Reads names instead of opening anything.
struct Names(RefCell<Vec<(NodeId, NodeName)>>);

impl Identity for Names {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if let (TAG, [id, name]) = (stanza.tag.as_str(), stanza.args.as_slice())
            && let (Ok(id), Ok(name)) = (id.parse(), name.parse())
        {
            self.0.borrow_mut().push((id, name));
        }
        None
    }
}
