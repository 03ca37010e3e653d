//! Random secrets for sessions, links and forms. They leave this program once; only their hashes are kept.

use aws_lc_rs::{constant_time, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

use crate::domain::text::{Secret, Sha256};

/// 256 random bits, in base64url.
pub fn fresh() -> Secret {
    Secret::new(BASE64URL.encode(random::<32>()))
}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// The hash under which a secret is stored. A plain hash is enough: 256 random bits can't be guessed.
pub fn hash(secret: &str) -> Sha256 {
    Sha256::of(secret.as_bytes())
}

/// A password that can be read out: five groups of four letters and digits, 100 bits.
pub fn readable_password() -> Secret {
    // No letters or digits that look alike; 32 of them, so that no byte is favoured.
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";
    let letters: Vec<char> = random::<20>().iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Secret::new(groups.join("-"))
}

/// The secret that every form of a visitor carries, made from the secret in their cookie: whoever can't read the cookie
/// can't forge the form.
pub fn form_token(cookie: &str) -> String {
    Sha256::of(format!("countersign form\n{cookie}").as_bytes()).to_string()
}

/// Compares two strings in constant time.
pub fn same(a: &str, b: &str) -> bool {
    constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}
