//! What speaks against encapsulated tokens on a farm.

use super::creation::{self, creators};
use super::{EncapsulationError, Objection, Preflight, Standing, Unless, Wish};
use crate::console::{ChangeError, Console, ConsoleError, InstanceUrl, SameHmac, Writing};
use crate::instance::{ENCAPSULATED, PATH, TOKEN_HANDLER, crypto_at_fault};
use crate::{Finding, Severity};

/// Looks at all instances.
pub(super) async fn look(
    consoles: Vec<Console>,
    wish: Wish,
) -> Result<Preflight, EncapsulationError> {
    let mut objections = Vec::new();
    let mut standings = Vec::new();
    for console in consoles {
        let standing = standing(console, wish, &mut objections)
            .await
            .map_err(|(url, source)| EncapsulationError::NotSeen { url, source })?;
        standings.push(standing);
    }
    if wish == Wish::On {
        same_keys(&standings, &mut objections)
            .await
            .map_err(|(url, source)| EncapsulationError::NotSeen { url, source })?;
        if standings.len() == 1 {
            objections.push(of_all(
                Unless::Always,
                "ONE_INSTANCE",
                Severity::Note,
                "only one instance was named",
                "whether the others of the farm have its keys was not looked at, and on them nothing changes",
                "name all of them: signet aem encapsulate URL URL…",
            ));
        }
    }
    Ok(Preflight {
        wish,
        standings,
        objections,
    })
}

type Unseen = (InstanceUrl, ConsoleError);

async fn standing(
    console: Console,
    wish: Wish,
    objections: &mut Vec<Objection>,
) -> Result<Standing, Unseen> {
    let url = console.url().clone();
    let unseen = |source| (url.clone(), source);
    let bundles = console.bundles().await.map_err(unseen)?;
    let handler = console.whole_configuration(TOKEN_HANDLER).await;
    let handler = handler.map_err(unseen)?;
    let writing = Writing::of(&bundles);
    let mut object = |unless, code, severity, what: String, effect: &str, remedy: &str| {
        objections.push(Objection {
            instance: Some(url.clone()),
            finding: Finding::new(code, severity, what, effect, remedy),
            unless,
        });
    };
    if !handler.is_known() {
        object(
            Unless::Never,
            "TOKEN_HANDLER_MISSING",
            Severity::Critical,
            format!("there is no token handler ({TOKEN_HANDLER})"),
            "there is nothing to switch",
            "is it AEM, and are all its bundles active? signet aem check URL tells",
        );
    } else if handler.property(ENCAPSULATED).is_none() {
        object(
            Unless::Never,
            "ENCAPSULATION_UNKNOWN",
            Severity::Critical,
            format!("the token handler knows no property {ENCAPSULATED}"),
            "it would ignore it",
            "encapsulated tokens need a newer version of AEM (6.1 and later)",
        );
    }
    // What is as wished already is not written, and so loses nothing.
    if !wish.is_met(&handler)
        && let Err(error @ ChangeError::CannotKeep { .. }) =
            handler.check_keeping(&console, writing)
    {
        object(
            Unless::Never,
            "CONFIGURATION_NOT_KEPT",
            Severity::Critical,
            error.to_string(),
            "writing the configuration back would lose it",
            &error.hint(),
        );
    }
    if wish == Wish::On {
        for (name, state) in crypto_at_fault(&bundles) {
            let is = state.map_or("not there", |state| state.as_str());
            object(
                Unless::Never,
                "CRYPTO_NOT_ACTIVE",
                Severity::Critical,
                format!("the bundle {name} is {is}"),
                "without it no token can be made or verified",
                "start it in the web console, under OSGi > Bundles; if it does not start, the error.log says why",
            );
        }
        if handler.is_known() && handler.text(PATH).is_none() {
            object(
                Unless::Never,
                "TOKEN_HANDLER_OFF",
                Severity::Critical,
                "the token handler has no path, and so is switched off".to_owned(),
                "nobody gets a token from it, encapsulated or not",
                "set its path (as a rule /) in the web console, under OSGi > Configuration",
            );
        }
        let creators = creators(&console).await.map_err(unseen)?;
        for creator in creators {
            object(
                Unless::StickyOrAccepted,
                creation::CODE,
                Severity::Warning,
                creator.to_string(),
                creation::EFFECT,
                &format!(
                    "have sticky connections, and say so with --sticky; or create users before they log in, and set {} to false",
                    creator.property
                ),
            );
        }
    }
    Ok(Standing {
        console,
        handler,
        writing,
    })
}

/// All have the key of the first, or it is said which have not.
async fn same_keys(standings: &[Standing], objections: &mut Vec<Objection>) -> Result<(), Unseen> {
    let Some((first, others)) = standings.split_first() else {
        return Ok(());
    };
    for other in others {
        let (one, two) = (first.console.url(), other.console.url());
        let same = first.console.has_hmac_of(&other.console).await;
        match same.map_err(|source| (two.clone(), source))? {
            SameHmac::Yes => {}
            SameHmac::No => objections.push(Objection {
                instance: Some(two.clone()),
                finding: Finding::new(
                    "HMAC_DIFFERENT",
                    Severity::Critical,
                    format!("its hmac is not that of {one}"),
                    "a token of one is worthless on the other: users would be logged out whenever the load balancer changes over",
                    "replicate the keys first: signet aem replicate",
                ),
                unless: Unless::Never,
            }),
            SameHmac::Unknown(why) => objections.push(Objection {
                instance: Some(two.clone()),
                finding: Finding::new(
                    "HMAC_NOT_COMPARED",
                    Severity::Warning,
                    format!("whether its hmac is that of {one} cannot be told: {why}"),
                    "if it is not, users are logged out whenever the load balancer changes over",
                    "compare the key files: signet aem compare DIR DIR; if they are equal, --accept",
                ),
                unless: Unless::Accepted,
            }),
        }
    }
    Ok(())
}

fn of_all(
    unless: Unless,
    code: &'static str,
    severity: Severity,
    what: &str,
    effect: &str,
    remedy: &str,
) -> Objection {
    Objection {
        instance: None,
        finding: Finding::new(code, severity, what, effect, remedy),
        unless,
    }
}
