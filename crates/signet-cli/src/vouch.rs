//! Whether somebody stands for the sender of a bundle.

use signet_bundle::NodeCard;
use signet_core::UnixSeconds;

use crate::context::Context;
use crate::failure::Failure;
use crate::moment;
use crate::prompt;

/// How a command speaks of those who send bundles to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Party {
    /// What a sender is: an instance of Signet, or a machine.
    pub(crate) noun: &'static str,
    /// The same with its article.
    pub(crate) one: &'static str,
    /// The command that prints a sender's card.
    pub(crate) card_command: &'static str,
    /// The option that takes such a card.
    pub(crate) option: &'static str,
}

/// The maker of a bundle, and the time at which it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maker<'m> {
    pub(crate) card: &'m NodeCard,
    pub(crate) created: UnixSeconds,
}

/// Sees that somebody stands for the sender: a card that was given, an earlier import (`is_known`), or whoever sits at the terminal.
pub(crate) fn vouch(
    context: &Context,
    party: Party,
    maker: Maker<'_>,
    expected: Option<&NodeCard>,
    is_known: bool,
) -> anyhow::Result<()> {
    let Party {
        noun,
        one,
        card_command,
        option,
    } = party;
    let (name, id) = (maker.card.name(), maker.card.id());
    match expected {
        Some(card) if card.id() == id => return Ok(()),
        Some(card) => {
            let message =
                format!("the bundle was made by {name} ({id}), not by the {noun} of the card");
            let detail = format!("the card is that of {} ({})", card.name(), card.id());
            let hint = format!("ask for a bundle of the right {noun}, or for the card of this one");
            return Err(Failure::new(message).details([detail]).hint(hint).into());
        }
        None if is_known => return Ok(()),
        None => {}
    }
    if !prompt::is_possible() {
        let message =
            format!("the bundle was made by {name} ({id}), which this {noun} does not know");
        let hint = format!(
            "bring the card of that {noun} ({card_command}) and add {option} CARD, or run this at a terminal"
        );
        return Err(Failure::new(message).hint(hint).into());
    }
    let made = moment::seen_from(context.now(), maker.created);
    context.output.aside(&format!(
        "The bundle was made by {one} that this one does not know:\n  \
         name  {name}\n  id    {id}\n  made  {made}\n\
         Compare the id with what {card_command} prints there."
    ));
    prompt::confirm(&format!("Trust this {noun}, now and from now on?"))
}
