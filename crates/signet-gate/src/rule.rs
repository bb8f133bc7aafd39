//! Access rules: which groups a path is for.

use signet_core::{GroupName, Groups};

use crate::path::{AmbiguousPath, CanonicalPath, PathPattern};

/// A path, or all paths below a folder, that only members of certain groups may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// What it is about.
    pub path: PathPattern,
    /// Being in one of these is enough.
    pub groups: Vec<GroupName>,
}

/// The rules of a farm. Every rule that covers a path must be satisfied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRules(Vec<AccessRule>);

/// Why a logged-in user is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Forbidden {
    /// In none of the groups that the path is for.
    #[error("the user is in none of the groups that this path is for")]
    Group,
    /// There are rules, and the path has more than one reading.
    #[error(transparent)]
    Path(#[from] AmbiguousPath),
    /// There are rules, and no trusted proxy said which path it is about.
    #[error("no trusted proxy said which path this is about")]
    PathUnknown,
}

impl Forbidden {
    /// The stable code that logs and metrics name the reason by.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Group => "GROUP_MISSING",
            Self::Path(_) => "PATH_AMBIGUOUS",
            Self::PathUnknown => "PATH_UNKNOWN",
        }
    }
}

impl FromIterator<AccessRule> for AccessRules {
    fn from_iter<I: IntoIterator<Item = AccessRule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl AccessRules {
    /// Whether a user in `groups` may ask for `target`. Without rules every user may ask for everything.
    ///
    /// # Errors
    /// [`Forbidden`] with the reason; a path that is unknown or ambiguous is never let through a rule.
    pub fn check(&self, target: Option<&str>, groups: &Groups<'_>) -> Result<(), Forbidden> {
        if self.0.is_empty() {
            return Ok(());
        }
        let path = CanonicalPath::parse(target.ok_or(Forbidden::PathUnknown)?)?;
        self.0
            .iter()
            .filter(|rule| rule.path.covers(&path))
            .all(|rule| {
                rule.groups
                    .iter()
                    .any(|group| groups.contains(group.as_str()))
            })
            .then_some(())
            .ok_or(Forbidden::Group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signet_core::GroupSet;

    fn rules() -> AccessRules {
        [("/admin/", "administrators"), ("/admin/keys/", "keepers")]
            .into_iter()
            .map(|(path, group)| AccessRule {
                path: path.parse().unwrap(),
                groups: vec![group.parse().unwrap()],
            })
            .collect()
    }

    fn check(target: Option<&str>, groups: &[&str]) -> Result<(), Forbidden> {
        let set: GroupSet = groups.iter().map(|name| name.parse().unwrap()).collect();
        rules().check(target, &Groups::Indexed(&set))
    }

    #[test]
    fn every_rule_that_covers_a_path_must_be_satisfied() {
        assert_eq!(check(Some("/"), &[]), Ok(()));
        assert_eq!(check(Some("/admin/x"), &[]), Err(Forbidden::Group));
        assert_eq!(check(Some("/admin/x"), &["administrators"]), Ok(()));
        assert_eq!(
            check(Some("/admin/keys/x"), &["administrators"]),
            Err(Forbidden::Group)
        );
        assert_eq!(
            check(Some("/admin/keys/x"), &["administrators", "keepers"]),
            Ok(())
        );
    }

    // P4
    #[test]
    fn a_rule_cannot_be_walked_around() {
        for target in [
            "/x/../admin/",
            "/%61dmin/../admin",
            "//admin/",
            "/admin;x/",
            "/x/%2e%2e/admin/",
            "/admin%2fx",
        ] {
            assert!(
                matches!(
                    check(Some(target), &["administrators"]),
                    Err(Forbidden::Path(_))
                ),
                "{target}"
            );
        }
        assert_eq!(check(Some("/%61dmin/x"), &[]), Err(Forbidden::Group));
        assert_eq!(
            check(None, &["administrators"]),
            Err(Forbidden::PathUnknown)
        );
    }
}
