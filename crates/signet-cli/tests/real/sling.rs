//! `signet aem inspect` on a real installation: Apache Sling, Felix and Oak in the shape of AEM.

use crate::stage::sling::{CRYPTO, CRYPTO_FILE, Keys, Sling};

#[test]
fn a_sling_keeps_its_keys() {
    let mut sling = Sling::start(Keys::Files);
    assert_eq!(sling.storage(), b"Bundle");
    let token = sling.csrf_token();
    assert!(sling.accepts(&token));
    sling.stop();
    sling.start_again();
    assert!(sling.accepts(&token));
    let _ = (CRYPTO, CRYPTO_FILE);
}
