//! Sources of keys of cards, asked by ICCID: a folder with a file for each card, the environment, a PKCS#11 token. (A table is
//! read by [`crate::job::batch`].)
//!
//! | source           | where the key `adm1` of card 8949…7892 stands                          |
//! |------------------|------------------------------------------------------------------------|
//! | [`Folder`]       | file `FOLDER/8949…7892.toml`: `adm1 = "12345678"`                      |
//! | [`Environment`]  | variable `PREFIX_8949…7892_ADM1`                                       |
//! | [`Pkcs11Token`]  | object with the label `8949…7892:adm1`, or as the URI's `object` says  |
//!
//! Keys are named `adm1` to `adm10`, `pin`, `pin2`, `puk1` and `puk2`, as the columns of a table are.

mod environment;
mod folder;
mod pkcs11;
mod uri;

pub use environment::Environment;
pub use folder::Folder;
pub use pkcs11::Pkcs11Token;
pub use uri::{PinSource, Pkcs11Uri, Pkcs11UriError};
