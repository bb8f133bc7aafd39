//! What a new master breaks.

use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;

use super::*;

fn granite(bits: [u8; 16]) -> GraniteKey {
    GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0))
}

/// A value as it stands in a `.config` file.
fn sealed(key: [u8; 16], text: &str) -> String {
    let value = GraniteValue::protect(&granite(key), text).unwrap();
    value.to_string().replace('{', "\\{").replace('}', "\\}")
}

fn damage(source: &Source, target: &Installation, content: &[PathBuf]) -> Option<Damage> {
    let plan = Plan::make(source, &[target.root()], content, &mut |_| {}).unwrap();
    plan.targets.into_iter().next().unwrap().damage
}

#[test]
fn values_that_the_new_master_does_not_open_are_counted() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let config = "bundle9/data/config/com/day/mail.config";
    let own = sealed(bits(1), "smtp");
    let [new, foreign] = [sealed(RAW_MASTER, "new"), sealed(bits(77), "foreign")];
    target.write(
        config,
        format!("a=\"{own}\"\nb=\"{new}\"\n\nc=\"{own}\"\nd=\"{foreign}\"\n").as_bytes(),
    );
    target.write(
        "../../install/ims.cfg.json",
        own.replace('\\', "").as_bytes(),
    );
    target.write("../config/x.config", own.as_bytes());
    target.write("../../repository/other.config", own.as_bytes());
    let content = target.root().join("content.xml");
    fs::write(&content, &own).unwrap();

    let found = damage(&source, &target, &[]).unwrap();
    assert_eq!(found.trial, Trial::Tried);
    assert_eq!((found.values, found.foreign, found.read), (4, 1, 3));
    let mail = found
        .files
        .iter()
        .find(|file| file.path.ends_with("mail.config"));
    assert_eq!(mail.unwrap().lines, [1, 4]);
    let found = damage(&source, &target, std::slice::from_ref(&content)).unwrap();
    assert_eq!((found.values, found.read), (5, 4));
    // Nothing was changed by looking.
    assert!(has_own_keys(&target, 1));
}

#[test]
fn with_an_obfuscated_master_every_value_counts() {
    let author = Installation::fresh();
    let target = publish(1);
    let new = sealed(RAW_MASTER, "new");
    let own = sealed(bits(1), "own");
    target.write(
        "bundle9/data/config/a.config",
        format!("{new}\n{own}\n").as_bytes(),
    );
    target.write("bundle37/data/master", &bits::<32>(1));
    let found = damage(&source(&author), &target, &[]).unwrap();
    assert_eq!((found.trial, found.values), (Trial::NewOnly, 1));
    author.write("bundle25/data/master", &bits::<32>(9));
    let found = damage(&source(&author), &target, &[]).unwrap();
    assert_eq!((found.trial, found.values), (Trial::NotTried, 2));
    // Obfuscated or not: the same bytes break nothing.
    target.write("bundle37/data/master", &bits::<32>(9));
    assert_eq!(damage(&source(&author), &target, &[]), None);
}
