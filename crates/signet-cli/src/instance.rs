//! An instance that is opened only to judge tokens: with the same keys, users and marks as the one that serves.

use std::sync::Arc;

use signet_server::{DataDirectory, Instance, Overrides};

use crate::context::Context;
use crate::progress::Bar;

/// Opens what is in the data directory and changes nothing.
pub(crate) async fn open(context: &Context) -> anyhow::Result<Instance> {
    let data = DataDirectory::open(context.data())?;
    let clock = Arc::new(signet_server::system_clock);
    let _bar = Bar::unknown("reading users and keys");
    Ok(Instance::open_existing(data, Overrides::default(), clock).await?)
}
