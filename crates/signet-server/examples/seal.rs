//! Seals many secrets and puts them into the repository of a data directory, as `cargo xtask bench` needs them to measure
//! how they are sealed anew.
//!
//! ```text
//! cargo run --release -p signet-server --example seal -- DATA COUNT
//! ```
//!
//! The places are `client/c0000000/secret`, `client/c0000001/secret` and so on; a secret has 40 characters.

use std::error::Error;
use std::path::Path;

use signet_repository::IfMissing;
use signet_secret::{MasterKeys, Place};
use signet_server::{DataDirectory, system_clock};

/// So many are written in one transaction.
const BATCH: usize = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, count] = &arguments[..] else {
        return Err("usage: seal DATA COUNT".into());
    };
    let data = DataDirectory::open_or_create(Path::new(data), "")?;
    let config = data.config()?;
    let keys = data.key_store(&config)?;
    keys.create_if_missing(system_clock())?;
    let master = MasterKeys::new(&keys.load(None)?);
    let repository = data.repository(&config, IfMissing::Create).await?;
    let numbers: Vec<usize> = (0..count.parse()?).collect();
    for numbers in numbers.chunks(BATCH) {
        let values = numbers
            .iter()
            .map(|number| sealed(&master, *number))
            .collect::<Result<Vec<_>, _>>()?;
        repository.set_secrets(&values, system_clock()).await?;
    }
    repository.close().await;
    Ok(())
}

fn sealed(master: &MasterKeys, number: usize) -> Result<(String, String), Box<dyn Error>> {
    let place: Place = format!("client/c{number:07}/secret").parse()?;
    let secret = format!("p8e-{number:036}");
    let value = master.seal(&place, secret.as_bytes())?;
    Ok((place.to_string(), value.to_string()))
}
