//! What whoever stops it is told: how things stand, whatever was being done, and the command that goes on.

use signet_aem::relocation::{Relocation, Standing};
use signet_server::quoted;

use super::Relocate;
use crate::command::aem::whole;
use crate::failure::Failure;

impl Relocate {
    /// How things stand while nothing is changed that this operation had not changed before.
    pub(super) fn standing(&self, relocation: &Relocation) -> Failure {
        let backup = quoted(relocation.backup());
        match relocation.standing() {
            Standing::Kept => Failure::new("nothing was changed but the backup").hint(format!(
                "go on with: {}; the backup is {backup}",
                self.again()
            )),
            Standing::Writing => self.writing(relocation),
            Standing::Switched => self.switched(relocation),
            Standing::Removing => self.removing(relocation),
            Standing::GoingBack => self.going_back(relocation),
            _ => Failure::new("nothing was changed"),
        }
    }

    /// While the backup is made.
    pub(super) fn keeping(&self, relocation: &Relocation) -> Failure {
        let mut again = self.again();
        if let Some(url) = &self.from_url {
            again.push_str(&format!(" --from-url {url}"));
        }
        for (option, path) in [("--hmac", &self.hmac), ("--master", &self.master)] {
            if let Some(path) = path {
                again.push_str(&format!(" {option} {}", quoted(whole(path))));
            }
        }
        Failure::new("nothing was changed; the backup may not be complete").hint(format!(
            "go on with: {again}; the backup is {}",
            quoted(relocation.backup())
        ))
    }

    /// While a move is taken over that was made by hand.
    pub(super) fn taking_over(&self, relocation: &Relocation) -> Failure {
        let finish = format!("{} --finish{}", self.again(), self.url_option(relocation));
        Failure::new("nothing was changed; a backup may have been made, or begun").hint(format!(
            "go on with: {finish}; the backup is {}",
            quoted(relocation.backup())
        ))
    }

    /// While the keys and `storage` are written.
    pub(super) fn writing(&self, relocation: &Relocation) -> Failure {
        Failure::new("AEM starts with its keys, from the old place or from the new one")
            .hint(self.both_ways("", relocation))
    }

    /// When the keys are in files, and still in the repository.
    pub(super) fn switched(&self, relocation: &Relocation) -> Failure {
        Failure::new("the keys are in files, and those in the repository are still there")
            .hint(self.both_ways("", relocation))
    }

    /// While they are removed from the repository.
    pub(super) fn removing(&self, relocation: &Relocation) -> Failure {
        let finish = format!(" --finish{}", self.url_option(relocation));
        Failure::new("the keys are in files; in the repository they are there, or not any more")
            .hint(self.both_ways(&finish, relocation))
    }

    /// On the way back.
    pub(super) fn going_back(&self, relocation: &Relocation) -> Failure {
        Failure::new("the way back may not be complete; AEM starts with its keys").hint(format!(
            "complete it with: {}; the backup is {}",
            self.back(relocation),
            quoted(relocation.backup())
        ))
    }

    fn both_ways(&self, options: &str, relocation: &Relocation) -> String {
        format!(
            "go on with: {}{options}, or go back with: {}",
            self.again(),
            self.back(relocation)
        )
    }
}
