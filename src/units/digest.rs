//! SHA-256 digests, as the text that the ledger keeps of them.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A digest in the making: bytes come piece by piece.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The digest of all bytes added.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The digest of all bytes added, in lowercase hexadecimal.
    pub fn finish_hex(self) -> String {
        hex(&self.finish())
    }
}

/// The digest of these bytes.
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The digest of these bytes, in lowercase hexadecimal.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&sha256(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(
        String::with_capacity(bytes.len().saturating_mul(2)),
        |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        },
    )
}
